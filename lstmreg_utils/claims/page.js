// The table is drawn after the page has been scrolled to the claim that a link names.
window.addEventListener("load", () => setTimeout(() => {
  const name = location.hash.slice(1);
  if (name.startsWith("claim-")) document.getElementById(name)?.scrollIntoView();
}, 800));
