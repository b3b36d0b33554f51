// The chart itself: a line over time, or bars. `data-src` answers `{"points":[{"t":<unix seconds>,"v":"123.45"}]}`; without
// points the element says so. Amounts come as text and are drawn as numbers: what counts stands in the page beside it.

import { AreaSeries, HistogramSeries, createChart } from "lightweight-charts";

const FORMATS = {
  equity: { type: "custom", minMove: 0.01, formatter: (value) => value.toLocaleString("en-US", { style: "currency", currency: "USD" }) },
  usage: { type: "custom", minMove: 1, formatter: (value) => value.toLocaleString("en-US", { maximumFractionDigits: 0 }) },
};

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A colour of the page with less of it. */
function faint(hex, share) {
  return `${hex}${Math.round(share * 255).toString(16).padStart(2, "0")}`;
}

/** The library counts in UTC; people see their own zone. */
function local(seconds) {
  const at = new Date(seconds * 1000);
  return Date.UTC(at.getFullYear(), at.getMonth(), at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds()) / 1000;
}

function look() {
  return {
    layout: { background: { color: "transparent" }, textColor: colour("--quiet"), fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12, attributionLogo: false },
    grid: { vertLines: { visible: false }, horzLines: { color: colour("--line") } },
    rightPriceScale: { borderVisible: false },
    timeScale: { borderColor: colour("--line"), timeVisible: true, secondsVisible: false },
    crosshair: { horzLine: { labelBackgroundColor: colour("--brand") }, vertLine: { labelBackgroundColor: colour("--brand") } },
  };
}

function lineLook() {
  const brand = colour("--brand");
  return { lineColor: brand, topColor: faint(brand, 0.22), bottomColor: faint(brand, 0), lineWidth: 2 };
}

function tell(place, words) {
  place.classList.add("empty");
  place.textContent = words;
}

/** Points in order, the last of each second: the library takes no two at one time. */
function ordered(points) {
  const byTime = new Map();
  for (const { t, v } of points) {
    const value = Number(v);
    if (Number.isFinite(t) && Number.isFinite(value)) byTime.set(local(t), value);
  }
  return [...byTime].sort(([one], [other]) => one - other).map(([time, value]) => ({ time, value }));
}

export async function draw(place) {
  const load = async () => {
    const answer = await fetch(place.dataset.src, { cache: "no-store", headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return ordered((await answer.json()).points ?? []);
  };
  let points;
  try {
    points = await load();
  } catch {
    return tell(place, "The chart could not be loaded. Reload the page to try again.");
  }
  if (points.length < 2) return tell(place, place.dataset.empty ?? "There is not enough yet to draw a line.");
  place.textContent = "";
  const bars = place.dataset.chart === "usage";
  const chart = createChart(place, { autoSize: true, handleScroll: false, handleScale: false, ...look() });
  const priceFormat = FORMATS[place.dataset.chart] ?? FORMATS.usage;
  const series = bars
    ? chart.addSeries(HistogramSeries, { color: colour("--brand"), priceFormat, priceLineVisible: false })
    : chart.addSeries(AreaSeries, { ...lineLook(), priceFormat, priceLineVisible: false });
  series.setData(points);
  chart.timeScale().fitContent();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    chart.applyOptions(look());
    series.applyOptions(bars ? { color: colour("--brand") } : lineLook());
  });
  if (place.dataset.every) {
    setInterval(async () => {
      if (document.hidden || !place.isConnected) return;
      try { series.setData(await load()); } catch { /* The next time. */ }
    }, Math.max(2, Number(place.dataset.every)) * 1000);
  }
  const credit = document.createElement("p");
  credit.className = "chart-credit";
  const link = document.createElement("a");
  link.href = "https://www.tradingview.com/";
  link.rel = "noreferrer noopener";
  link.textContent = "TradingView Lightweight Charts";
  credit.append("Drawn with ", link);
  place.after(credit);
}
