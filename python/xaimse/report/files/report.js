"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);

  // --- tables: a title sorts, again the other way round; what has no value comes last
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    const text = cell.textContent.trim();
    return text === "–" || text === "" ? null : text;
  };
  const order = (a, b) =>
    typeof a === typeof b ? (typeof a === "number" ? a - b : a.localeCompare(b, "en", {numeric: true})) : typeof a === "number" ? -1 : 1;
  for (const table of document.querySelectorAll("table.sortable")) {
    const titles = [...table.tHead.rows[0].cells];
    titles.forEach((title, column) => {
      title.querySelector("button").addEventListener("click", () => {
        const down = title.getAttribute("aria-sort") === "ascending" || (title.className === "n" && !title.hasAttribute("aria-sort"));
        for (const other of titles) other.removeAttribute("aria-sort");
        title.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows].map((row) => [key(row, column), row]);
        rows.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : down ? order(b, a) : order(a, b)));
        table.tBodies[0].append(...rows.map(([, row]) => row));
      });
    });
  }

  // --- photographs: those of which a model says all that is asked for
  const form = document.getElementById("filters");
  if (form) {
    const field = (name) => form.elements[name].value;
    const articles = [...document.querySelectorAll("article[data-image]")];
    const others = [...document.querySelectorAll("#table-others tbody tr")];
    const places = new Set(articles.map((article) => Number(article.dataset.image)));
    const left = data.records.map((_, image) => image).filter((image) => !places.has(image));
    const rows = new Map(others.map((row, place) => [left[place], row]));
    const apply = () => {
      const [model, of, status] = ["model", "class", "status"].map((name) => (field(name) === "" ? null : Number(field(name))));
      const least = field("least") === "" ? null : Number(field("least"));
      const most = field("most") === "" ? null : Number(field("most"));
      const fits = (record) =>
        (model === null || record[0] === model) &&
        (of === null || record[1] === of) &&
        (status === null || record[2] === status) &&
        (least === null || record[3] >= least) &&
        (most === null || (record[3] >= 0 && record[3] <= most));
      const all = [model, of, status, least, most].every((value) => value === null);
      let count = 0;
      const show = (element, image) => {
        element.hidden = !all && !data.records[image].some(fits);
        count += !element.hidden;
      };
      for (const article of articles) {
        show(article, Number(article.dataset.image));
        for (const panel of article.querySelectorAll(".panel[data-model]"))
          panel.hidden = model !== null && Number(panel.dataset.model) >= 0 && Number(panel.dataset.model) !== model;
      }
      for (const [image, row] of rows) show(row, image);
      form.elements.count.value = `${count} of ${articles.length + others.length} images`;
    };
    form.addEventListener("input", apply);
    form.addEventListener("reset", () => setTimeout(apply));
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
  }

  // --- patches: which one, and how many of the model's MSEs use it
  const grids = new Map();
  const gridOf = (element) => {
    const tiles = element.parentElement;
    if (!grids.has(tiles)) grids.set(tiles, JSON.parse(tiles.dataset.grid));
    return grids.get(tiles);
  };
  const point = (element, column, row) => {
    const grid = gridOf(element);
    const patch = row * (grid.x.length - 1) + column;
    const cursor = element.querySelector(".cursor");
    cursor.setAttribute("x", grid.x[column]);
    cursor.setAttribute("y", grid.y[row]);
    cursor.setAttribute("width", grid.x[column + 1] - grid.x[column]);
    cursor.setAttribute("height", grid.y[row + 1] - grid.y[row]);
    const share = Math.round((100 * grid.uses[patch]) / grid.n);
    const text = `patch ${patch} (row ${row}, column ${column}): in ${share} % of the model's ${grid.n} MSEs`;
    element.parentElement.querySelector(".read").textContent = text;
    element.at = [column, row];
  };
  const bin = (borders, at) => Math.min(Math.max(borders.findIndex((border) => border > at) - 1, 0), borders.length - 2);
  for (const element of document.querySelectorAll("[data-grid] > .used, [data-grid] > .set")) {
    const svg = element.querySelector("svg");
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const grid = gridOf(element);
      const end = (borders) => borders[borders.length - 1];
      const x = Math.min(((event.clientX - box.left) / box.width) * end(grid.x), end(grid.x) - 0.01);
      const y = Math.min(((event.clientY - box.top) / box.height) * end(grid.y), end(grid.y) - 0.01);
      point(element, bin(grid.x, x), bin(grid.y, y));
    });
    svg.addEventListener("pointerleave", () => element.querySelector(".cursor").setAttribute("width", 0));
    if (!element.hasAttribute("tabindex")) continue;
    element.addEventListener("keydown", (event) => {
      const step = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
      if (!step) return;
      event.preventDefault();
      const [column, row] = element.at || [-step[0], -step[1]];
      const grid = gridOf(element);
      const kept = (value, borders) => Math.min(Math.max(value, 0), borders.length - 2);
      point(element, kept(column + step[0], grid.x), kept(row + step[1], grid.y));
    });
  }

  // --- a link to something folded opens it; what is printed is not folded
  const open = () => {
    let target = null;
    try {
      target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return;
    }
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  };
  addEventListener("hashchange", open);
  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll(".sentences, #runs > details, figcaption details")) folded.open = true;
  });
  open();
})();
