// The filter of the claims ledger.  Without this file the page shows every claim, and no filter.
(() => {
  const form = document.querySelector(".claims-filter");
  if (!form) return;
  const rows = [...document.querySelectorAll("tbody.claim")].map((row) => ({
    row,
    text: row.textContent.toLowerCase(),
  }));
  const groups = [...document.querySelectorAll("table.claims")].map((table) => table.closest("section") ?? table);
  const said = form.querySelector(".claims-shown");

  function filter() {
    const chosen = new FormData(form);
    const statuses = new Set(chosen.getAll("status"));
    const words = chosen.get("words").toLowerCase().split(/\s+/);
    const part = chosen.get("part");
    let shown = 0;
    for (const { row, text } of rows) {
      const { status, part: own } = row.dataset;
      row.hidden = !(statuses.has(status) && (!part || part === own) && words.every((word) => text.includes(word)));
      if (!row.hidden) shown += 1;
    }
    for (const group of groups) group.hidden = !group.querySelector("tbody.claim:not([hidden])");
    said.textContent = `${shown} of ${rows.length} claims`;
  }

  // A link to a claim that the filter hides shows all claims again.
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.matches("details.claim-test")) target.open = true;
    if (!target?.closest("[hidden]")) return;
    form.reset();
    filter();
    target.scrollIntoView();
  }

  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", reveal);
  filter();
  reveal();
})();
