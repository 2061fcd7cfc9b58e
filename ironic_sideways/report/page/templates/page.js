"use strict";
// The page is complete without this: it adds the filter and the buttons, follows links
// into closed details, and opens all details for print.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  const filter = document.querySelector(".filter");
  if (filter) {
    const words = filter.querySelector("input[type=search]");
    const shown = filter.querySelector("output");
    const rows = all(".tests tbody tr").map((row) => ({
      row,
      text: row.textContent.toLowerCase(),
      kinds: row.dataset.kinds.split(" "),
    }));
    const apply = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      const kind = filter.querySelector("input[type=radio]:checked").value;
      let number = 0;
      for (const { row, text, kinds } of rows) {
        const fits = kind === "all" || kinds.includes(kind);
        row.hidden = !(fits && wanted.every((word) => text.includes(word)));
        number += !row.hidden;
      }
      shown.textContent = `${number} of ${rows.length} shown`;
    };
    filter.hidden = false;
    filter.addEventListener("input", apply);
    filter.addEventListener("submit", (event) => event.preventDefault());
    apply();
  }

  for (const button of all("button[data-open]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const one of all(`#${button.dataset.in} details`)) {
        one.open = button.dataset.open === "yes";
      }
    });
  }

  // A link's target may be inside a closed details element.
  const reveal = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    for (let at = target; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") at.open = true;
    }
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of closed) one.open = false;
  });
})();
