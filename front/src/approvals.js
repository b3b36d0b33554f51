// Approvals: seconds that count down, keys, and a sound. Without this file the page is the same, as of when it was loaded.

import { keysAreOn } from "./keyboard.js";
import { tellTimes } from "./times.js";

const SOUND = "paddock.sound";

let chosen = null;

const waiting = () => [...document.querySelectorAll("[data-approval]")];

/** Which one the keys are about. It is marked and not focused, so that the list goes on being kept up to date. */
function choose(id) {
  chosen = id;
  for (const card of waiting()) {
    card.classList.toggle("chosen", card.id === chosen);
    if (card.id === chosen) card.setAttribute("aria-current", "true");
    else card.removeAttribute("aria-current");
  }
}

function move(by) {
  const cards = waiting();
  if (cards.length === 0) return;
  const here = cards.findIndex((card) => card.id === chosen);
  const next = here < 0 ? (by > 0 ? 0 : cards.length - 1) : Math.min(cards.length - 1, Math.max(0, here + by));
  choose(cards[next].id);
  cards[next].scrollIntoView({ block: "nearest" });
}

/** Asks once more, then sends the card's own form. */
function answer(value) {
  const dialog = document.getElementById("answer");
  const card = document.getElementById(chosen ?? "");
  const button = card?.querySelector(`button[name=answer][value=${value}]:not(:disabled)`);
  if (!dialog || !button) return;
  // For real money the next page asks.
  if (value === "approve" && card.classList.contains("live")) {
    button.form.requestSubmit(button);
    return;
  }
  const yes = dialog.querySelector("button[value=yes]");
  dialog.querySelector("h2").textContent = value === "approve" ? "Approve this order?" : "Deny this order?";
  dialog.querySelector(".answer-order").textContent = `${card.querySelector("h2").textContent}, ${card.querySelector(".worth").textContent}`;
  yes.textContent = value === "approve" ? "Approve" : "Deny";
  yes.className = button.className;
  dialog.onclose = () => {
    // It may have ended or been answered while the question stood.
    if (dialog.returnValue === "yes" && button.isConnected && !button.disabled) button.form.requestSubmit(button);
  };
  dialog.returnValue = "";
  dialog.showModal();
}

function isTyping(target) {
  return target instanceof Element && target.closest("input, select, textarea, [contenteditable], dialog") !== null;
}

function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (!keysAreOn() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target)) return;
    const acts = { j: () => move(1), k: () => move(-1), a: () => answer("approve"), d: () => answer("deny") };
    // `g a` goes to another page.
    if (!(event.key in acts) || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    acts[event.key]();
  });
}

// --- seconds ---------------------------------------------------------------------------------------------------------

function countDown() {
  if (document.hidden) return;
  for (const card of waiting()) {
    const left = card.querySelector(".left time");
    tellTimes(card);
    const seconds = (new Date(left.dateTime) - Date.now()) / 1000;
    left.closest(".left").classList.toggle("soon", seconds < 60);
    if (seconds > 0) continue;
    left.textContent = "over";
    for (const button of card.querySelectorAll("button")) button.disabled = true;
  }
}

// --- sound -----------------------------------------------------------------------------------------------------------

let audio = null;

function beep() {
  sound();
  const [tone, volume] = [audio.createOscillator(), audio.createGain()];
  tone.frequency.value = 660;
  volume.gain.setValueAtTime(0.12, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.5);
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.5);
}

/** A browser lets a page sound only after somebody has done something there. */
function sound() {
  audio ??= new AudioContext();
  return audio;
}

function kept() {
  try { return localStorage.getItem(SOUND) === "on"; } catch { return false; }
}

function offerSound() {
  const button = document.getElementById("sound");
  if (!button) return;
  const show = () => {
    button.setAttribute("aria-pressed", String(kept()));
    const silent = audio?.state !== "running";
    button.textContent = kept() ? `Sound is on${silent ? ", from your next click on" : ""}` : "Sound is off";
  };
  const wake = () => {
    if (kept()) sound().resume().then(show, () => {});
  };
  for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, wake);
  button.hidden = false;
  button.addEventListener("click", () => {
    try { localStorage.setItem(SOUND, kept() ? "off" : "on"); } catch { /* Then it stays off. */ }
    if (kept()) {
      beep();
      sound().resume().then(show, () => {});
    }
    show();
  });
  show();
}

/** Begins, on the pages of approvals. */
export function watchApprovals() {
  if (waiting().length === 0 && !document.querySelector("[data-approvals]")) return;
  let known = new Set(waiting().map((card) => card.id));
  const hint = () => { for (const place of document.querySelectorAll(".keys-hint")) place.hidden = false; };
  document.addEventListener("paddock:part", () => {
    const cards = waiting();
    if (kept() && cards.some((card) => !known.has(card.id))) beep();
    known = new Set(cards.map((card) => card.id));
    choose(chosen);
    hint();
    countDown();
  });
  hint();
  listenToKeys();
  offerSound();
  countDown();
  setInterval(countDown, 1000);
}
