// What moves on a page. Without this the pages work, and stand still.

for (const hidden of document.querySelectorAll("[data-needs-script]")) hidden.hidden = false;

// "/" leads to the field that finds somebody, as in many programs.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof Element && event.target.closest("input, textarea, select")) return;
  const find = document.getElementById("find");
  if (!find) return;
  event.preventDefault();
  find.focus();
});

// A region of the page is replaced when the server tells another one, but not under the
// hands of somebody who is about to use it.
const used = (region) =>
  region.contains(document.activeElement) || region.querySelector("input:checked, details[open]") !== null;

const waiting = new Map();

function replace(id, html) {
  const region = document.getElementById(id);
  if (!region) return;
  if (used(region)) {
    waiting.set(id, html);
    return;
  }
  waiting.delete(id);
  const before = new Set(Array.from(region.querySelectorAll("tr[id]"), (row) => row.id));
  region.innerHTML = html; // the server's own, which escapes what is not
  if (before.size === 0) return;
  for (const row of region.querySelectorAll("tr[id]")) if (!before.has(row.id)) row.classList.add("new");
}

for (const over of ["focusout", "change"]) {
  document.addEventListener(over, () => setTimeout(() => {
    for (const [id, html] of waiting) replace(id, html);
  }));
}

function trouble(text) {
  const told = document.getElementById("trouble");
  if (!told) return;
  told.textContent = text;
  told.hidden = text === "";
}

// watch listens at an address, and takes the regions that are told.
function watch(address, regions) {
  const source = new EventSource(address);
  for (const [name, take] of Object.entries(regions)) source.addEventListener(name, (event) => take(event.data));
  source.addEventListener("trouble", (event) => trouble(event.data));
  source.addEventListener("error", () => trouble("The page is not told what happens any more: is the process that serves it still running?"));
  source.addEventListener("open", () => trouble(""));
  return source;
}

const live = document.querySelector("[data-events]");
if (live) {
  const regions = live.dataset.regions.split(" ");
  watch(live.dataset.events, Object.fromEntries(regions.map((name) => [name, (html) => replace(name, html)])));
}

// Following the log puts what comes before the rest, and lets go of the oldest.
const follow = document.getElementById("follow");
if (follow) {
  const most = 500;
  const rows = document.getElementById("entries");
  let source = null;
  follow.addEventListener("change", () => {
    if (source) source.close();
    source = null;
    if (!follow.checked) return;
    source = watch(follow.dataset.follow, {
      entries: (html) => {
        if (html.trim() === "") return;
        const table = rows.closest("table");
        table.hidden = false;
        document.querySelector(".empty")?.remove();
        const fresh = document.createElement("tbody");
        fresh.innerHTML = html;
        for (const row of Array.from(fresh.rows).reverse()) {
          if (document.getElementById(row.id)) continue;
          row.classList.add("new");
          rows.prepend(row);
        }
        while (rows.rows.length > most) rows.lastElementChild.remove();
      },
    });
  });
}
