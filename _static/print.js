// Paper is white: a page in dark colours is printed in light ones.
(() => {
  const root = document.documentElement;
  let shown;
  addEventListener("beforeprint", () => {
    shown = root.dataset.theme;
    root.dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    root.dataset.theme = shown;
  });
})();
