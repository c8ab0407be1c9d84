// Runs in the first page of the built book, for tools/make_pdf.py.
(() => {
  const LEFT_OUT = "script, .headerlink, .rate-explorer"; // what does nothing on paper
  const MATHS = "tex2jax_process|mathjax_process|math|output_area"; // as Sphinx has it

  // The articles of all pages, one after the other, become the page's own. An anchor `x` of the
  // page `chapters/a.html` becomes `chapters/a.html:x`.
  const assemble = async ({ pages, title, author }) => {
    const here = new URL(".", location.href.replace(/chapters\/[^/]*$/, ""));
    const name = (url) => url.pathname.slice(here.pathname.length);
    const articles = [];
    for (const page of pages) {
      const url = new URL(page, here);
      const text = await (await fetch(url)).text();
      const article = new DOMParser().parseFromString(text, "text/html").querySelector("article");
      for (const gone of article.querySelectorAll(LEFT_OUT)) gone.remove();
      for (const each of article.querySelectorAll("[id]")) each.id = `${page}:${each.id}`;
      for (const image of article.querySelectorAll("img")) {
        image.src = new URL(image.getAttribute("src"), url);
        image.loading = "eager";
      }
      for (const link of article.querySelectorAll("a[href]")) {
        const target = new URL(link.getAttribute("href"), url);
        if (target.origin !== here.origin) link.href = target;
        else if (!pages.includes(name(target))) link.replaceWith(...link.childNodes); // leads nowhere
        else link.href = `#${name(target)}:${decodeURIComponent(target.hash.slice(1))}`;
      }
      for (const folded of article.querySelectorAll("details")) folded.open = true;
      const start = document.createElement("section");
      start.id = `${page}:`;
      start.style.breakBefore = "page";
      start.append(...article.childNodes);
      articles.push(start);
    }
    const front = document.createElement("header");
    front.className = "pdf-front";
    for (const [size, said] of [["2.5rem", title], ["1.25rem", author]]) {
      const line = Object.assign(document.createElement("p"), { textContent: said });
      line.style.fontSize = size;
      front.append(line);
    }
    const contents = document.createElement("ul");
    for (const section of articles) {
      const entry = document.createElement("li");
      const link = document.createElement("a");
      link.href = `#${section.id}`;
      link.textContent = section.querySelector("h1").textContent;
      entry.append(link, document.createElement("span"));
      contents.append(entry);
    }
    front.append(contents);
    document.querySelector("article").replaceChildren(front, ...articles);
    // The theme prints a heading of its own on every page, and hides the chapter's.
    document.getElementById("jb-print-docs-body")?.remove();
    for (const heading of document.querySelectorAll("article h1")) {
      heading.style.setProperty("display", "block", "important");
    }
    document.title = title;
    document.documentElement.dataset.theme = document.documentElement.dataset.mode = "light";
    const pictures = [...document.images].map((image) => image.decode().catch(() => image.src));
    const lost = (await Promise.all(pictures)).filter(Boolean);
    if (lost.length) throw new Error(`images do not load: ${lost}`);
  };

  const HEADINGS = "article :is(h1, h2, h3, h4, h5, h6)";
  const headings = () => [...document.querySelectorAll(HEADINGS)]
    .map((heading) => heading.textContent.trim().replace(/\s+/g, " "));

  // Write the page of each article into the contents; `on` has the page of every heading.
  const number = (on) => {
    const all = [...document.querySelectorAll(HEADINGS)];
    if (on.length !== all.length) throw new Error(`${all.length} headings, ${on.length} pages`);
    for (const entry of document.querySelectorAll(".pdf-front li")) {
      const section = document.getElementById(entry.firstChild.hash.slice(1));
      entry.lastChild.textContent = on[all.indexOf(section.querySelector("h1"))];
    }
  };

  const typeset = async (source) => {
    if (!window.MathJax?.typesetPromise) {
      window.MathJax = { options: { processHtmlClass: MATHS } };
      await new Promise((resolve, reject) => {
        const script = Object.assign(document.createElement("script"), { src: source });
        script.onload = resolve;
        script.onerror = () => reject(new Error(`${source} does not load`));
        document.head.append(script);
      });
    }
    await window.MathJax.startup.promise;
    await window.MathJax.typesetPromise();
  };

  return { assemble, headings, number, typeset };
})()
