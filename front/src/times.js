// Times in the visitor's zone; UTC stays in the title. Without this file they are told in UTC.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const dayAndClock = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const full = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** The same words as the server's `ago`. */
function ago(at) {
  const seconds = Math.floor((Date.now() - at) / 1000);
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 172_800) return "yesterday";
  if (seconds < 2_592_000) return `${Math.floor(seconds / 86_400)} days ago`;
  return day.format(at);
}

/** How far off it is, for what ends: the same words as the server's `left`. */
function left(at) {
  const seconds = Math.floor((at - Date.now()) / 1000);
  if (seconds <= 0) return "now";
  if (seconds < 60) return `in ${seconds} s`;
  if (seconds < 3600) return `in ${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `in ${Math.floor(seconds / 3600)} h`;
  if (seconds < 2_592_000) return `in ${Math.floor(seconds / 86_400)} days`;
  return day.format(at);
}

const SAID = {
  ago,
  left,
  day: (at) => day.format(at),
  full: (at) => full.format(at),
  clock: (at) => (Math.abs(Date.now() - at) < 43_200_000 ? clock : dayAndClock).format(at),
};

/** Tells every `<time data-as>` under `root`; `data-as` is a name in `SAID`. */
export function tellTimes(root) {
  for (const time of root.querySelectorAll("time[data-as]")) {
    const at = new Date(time.dateTime);
    const say = SAID[time.dataset.as] ?? SAID.clock;
    if (!Number.isNaN(at.getTime())) time.textContent = say(at);
  }
}

/** Says in the footer which zone that is. */
export function tellZone() {
  const zone = document.querySelector(".zone");
  if (zone) zone.textContent = `Times are in ${Intl.DateTimeFormat().resolvedOptions().timeZone}; hover for UTC.`;
}
