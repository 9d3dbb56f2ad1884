// Marks each .scroll that holds more than it shows ("over"), and whether its end is in sight
// ("ended"); the stylesheet says so to the reader.
"use strict";
(() => {
  const mark = (box) => {
    const beyond = box.scrollWidth - box.clientWidth;
    box.classList.toggle("over", beyond > 1);
    box.classList.toggle("ended", box.scrollLeft >= beyond - 1);
  };
  const sizes = new ResizeObserver((seen) => seen.forEach(({ target }) => mark(target)));
  for (const box of document.querySelectorAll(".scroll")) {
    sizes.observe(box);
    box.addEventListener("scroll", () => mark(box), { passive: true });
  }
})();
