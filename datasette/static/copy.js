// Puts a button to copy beside every text that is there to be taken whole (pre.pick). Without
// this script, or where the browser lets no page copy, one click on the text selects all of it.
"use strict";
(() => {
  if (!navigator.clipboard) return;
  for (const text of document.querySelectorAll("pre.pick")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "复制";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = "已复制";
      } catch {
        getSelection().selectAllChildren(text);
        button.textContent = "已选定，请按复制键";
      }
    });
    text.after(button);
  }
})();
