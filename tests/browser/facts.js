// What a page looks like to its reader, as plain values: judged in checks.py.
() => {
  const text = (element) => element.outerHTML.replace(/\s+/g, " ").slice(0, 160);
  const visible = (element) => element.checkVisibility({ visibilityProperty: true });
  const article = document.querySelector("article") ?? document.querySelector("main");
  const width = document.documentElement.clientWidth;

  // An element inside a box that scrolls or clips does not widen the page.
  const boxed = (element) => {
    for (let box = element.parentElement; box && box !== document.body; box = box.parentElement) {
      if (getComputedStyle(box).overflowX !== "visible") return true;
    }
    return false;
  };
  const wide = [...article.querySelectorAll("*")].filter((element) => {
    const { right, width: own } = element.getBoundingClientRect();
    return own > 1 && right > width + 1 && visible(element) && !boxed(element);
  });

  // What MathJax leaves of an equation that it does not find.
  const raw = [];
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (/\\\(|\\\[|\$\$|\\begin\{/.test(node.data) && !parent.closest("pre, code, script, style")) {
      raw.push(text(parent));
    }
  }
  const equations = [...article.querySelectorAll(".math")];

  // What a reader reads: the prose of a page and the sentences that it computes.
  const read = article.cloneNode(true);
  for (const each of read.querySelectorAll("script, style")) each.remove();
  const numbers = [...new Set(read.textContent.match(/\d+(\.\d+)?/g))];
  const apart = ".cell_input, .output.stream, table, figure, pre, details, .rate-explorer";
  for (const each of read.querySelectorAll(apart)) each.remove();
  const answer = article.querySelector(".answer");
  const bottom = (element) => element && element.getBoundingClientRect().bottom + scrollY;

  return {
    theme: document.documentElement.dataset.theme,
    background: getComputedStyle(document.body).backgroundColor,
    width,
    scrollWidth: document.documentElement.scrollWidth,
    wide: wide.slice(0, 5).map(text),
    headings: [...article.querySelectorAll("h1, h2, h3, h4, h5, h6")]
      .filter(visible)
      .map((heading) => [Number(heading.tagName[1]), heading.textContent]),
    equations: equations.length,
    untypeset: equations.filter((each) => !each.querySelector("mjx-container")).map(text),
    badMaths: [...article.querySelectorAll("mjx-merror, [data-mjx-error]")].map(text),
    raw,
    images: [...article.querySelectorAll("img")].filter(visible).map((image) => {
      const box = image.getBoundingClientRect();
      return {
        source: image.getAttribute("src"),
        alt: image.getAttribute("alt"),
        natural: image.complete ? image.naturalWidth : 0,
        shown: box.width,
        vector: /\.svg([?#]|$)|^data:image\/svg/.test(image.src),
        background: getComputedStyle(image).backgroundColor,
        filter: getComputedStyle(image).filter,
        opacity: getComputedStyle(image).opacity,
      };
    }),
    links: [...document.querySelectorAll("a[href]")].map((link) => link.href),
    anchors: [...document.querySelectorAll("[id], a[name]")].map((each) => each.id || each.name),
    answer: answer && answer.textContent.trim(),
    ends: [answer, article.querySelector("figure")].map(bottom),
    height: document.documentElement.scrollHeight,
    words: read.textContent.split(/\s+/).filter((word) => /[\p{L}\d]/u.test(word)).length,
    exhibits: [...article.querySelectorAll("figure, table")].filter(visible).length,
    numbers,
    prose: [...article.querySelectorAll("p, li")].map((each) => each.textContent).join("\n"),
    // For paper: what is still shown of the screen's furniture, and of the folded solutions.
    furniture: [
      ...document.querySelectorAll(
        "nav:not(.contents), button, .bd-header, .bd-header-article, .bd-sidebar-primary, .bd-sidebar-secondary, " +
          ".prev-next-footer, summary, .headerlink",
      ),
    ]
      .filter(visible)
      .map(text),
    folded: [...article.querySelectorAll(".admonition.toggle > :not(.admonition-title)")]
      .filter((each) => !visible(each))
      .map(text),
    clipped: [...article.querySelectorAll("pre, table, .figure-box")]
      .filter((each) => visible(each) && each.scrollWidth > each.clientWidth + 1)
      .map(text),
  };
}
