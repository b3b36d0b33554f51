// A chart needs a library that most pages do not: it is fetched where a page has one.

/** Draws every `<div class="chart" data-chart data-src>` under `root`. */
export async function drawCharts(root) {
  const places = [...root.querySelectorAll(".chart[data-chart]:not([data-drawn])")];
  if (places.length === 0) return;
  const address = document.querySelector("script[data-charts]")?.dataset.charts;
  if (!address) return;
  for (const place of places) place.dataset.drawn = "";
  const { draw } = await import(address);
  for (const place of places) draw(place);
}
