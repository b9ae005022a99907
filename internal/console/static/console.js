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
