// Keeps the page fresh without losing what is typed, selected or opened.
const seconds = 5;

async function refresh() {
  const live = document.getElementById("live");
  const busy = document.hidden || live.contains(document.activeElement) || !getSelection().isCollapsed;
  if (!busy) {
    try {
      // So that a page left open does not count as somebody at work.
      const answer = await fetch(location.href, { cache: "no-store", headers: { "Muster-Refresh": "1" } });
      if (answer.redirected) return location.reload(); // the session is over
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        live.replaceWith(page.getElementById("live"));
      }
      document.body.classList.toggle("stale", !answer.ok);
    } catch {
      document.body.classList.add("stale"); // the server is away: what is shown is old
    }
  }
  setTimeout(refresh, seconds * 1000);
}

setTimeout(refresh, seconds * 1000);
