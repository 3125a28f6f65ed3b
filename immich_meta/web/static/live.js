// A run: listens to its events, or asks every second where it cannot; follows the log.

const panel = document.getElementById("panel");
const spoken = document.getElementById("spoken");
const log = document.getElementById("log");
const level = document.getElementById("level");
const POLL_MS = 1000;
const SPEAK_MS = 15000;
const MOST_LINES = 1000;

let next = Number(log.dataset.next);
let spokenAt = 0;
let spokenOutcome = "";

function isActive() {
  return panel.querySelector("[data-active]") !== null;
}

function show(html) {
  panel.innerHTML = html;
  const outcome = panel.firstElementChild?.dataset.outcome ?? "";
  const now = performance.now();
  // A screen reader hears of it now and then, and at each turn; not twice a second.
  if (outcome !== spokenOutcome || now - spokenAt > SPEAK_MS) {
    const texts = [...panel.querySelectorAll(".state, .phase, .numbers > *")].map((each) => each.textContent.trim());
    spoken.textContent = texts.join(", ");
    spokenAt = now;
    spokenOutcome = outcome;
  }
}

function over() {
  // What can be done next is another part of the page; the log's last lines come with it.
  location.reload();
}

function line(entry) {
  const item = document.createElement("li");
  item.className = entry.level.toLowerCase();
  const time = document.createElement("time");
  time.textContent = entry.time.slice(11, 19);
  const grade = document.createElement("span");
  grade.className = "level";
  grade.textContent = entry.level;
  const message = document.createElement("span");
  message.textContent = entry.message;
  item.append(time, " ", grade, " ", message);
  return item;
}

async function readLog() {
  const answer = await fetch(`${log.dataset.url}?level=${level.value}&after=${next}`);
  if (!answer.ok) {
    return;
  }
  const found = await answer.json();
  const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  if (found.lines.length) {
    log.querySelector(".empty")?.remove();
    log.append(...found.lines.map(line));
  }
  while (log.childElementCount > MOST_LINES) {
    log.firstElementChild.remove();
  }
  document.getElementById("log-skipped").hidden &&= !found.skipped;
  next = found.next;
  if (follows) {
    log.scrollTop = log.scrollHeight;
  }
}

async function follow() {
  await readLog().catch(() => {});
  if (isActive()) {
    setTimeout(follow, POLL_MS);
  }
}

async function poll() {
  try {
    const answer = await fetch(panel.dataset.panel);
    if (answer.status === 401) {
      location.reload();
      return;
    }
    if (answer.ok) {
      show(await answer.text());
    }
  } catch {
    // The page's server is away; the run is not.
  }
  if (isActive()) {
    setTimeout(poll, POLL_MS);
  } else {
    over();
  }
}

function listen() {
  const source = new EventSource(panel.dataset.events);
  source.addEventListener("panel", (event) => show(event.data));
  source.addEventListener("over", () => {
    source.close();
    over();
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) {
      poll();
    }
  });
  window.addEventListener("pagehide", () => source.close());
}

level.addEventListener("change", () => level.form.requestSubmit());
log.scrollTop = log.scrollHeight;

if (isActive()) {
  listen();
  follow();
}
