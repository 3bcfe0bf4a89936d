// Starts the widgets of the page, each with the data of its section.
{
  const data = JSON.parse(document.getElementById("data").textContent);
  document.querySelectorAll(".widget").forEach((node) => {
    const part = Number(node.closest("section").dataset.part);
    day33.widgets[node.dataset.widget](node, data[part]);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") day33.release(); });
}
