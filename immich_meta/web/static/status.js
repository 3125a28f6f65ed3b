// Home: asks for the piece of the page that has to wait for the server.

const place = document.getElementById("connection");

async function ask(again) {
  const answer = await fetch(place.dataset.url + (again ? "?ask=1" : ""), { headers: { Accept: "text/html" } });
  if (answer.status === 401) {
    location.reload();
  } else if (answer.ok) {
    place.innerHTML = await answer.text();
  }
}

place.addEventListener("click", (event) => {
  if (event.target.closest(".again")) {
    event.preventDefault();
    place.setAttribute("aria-busy", "true");
    ask(true).finally(() => place.removeAttribute("aria-busy"));
  }
});

if ("ask" in place.dataset) {
  ask(false);
}
