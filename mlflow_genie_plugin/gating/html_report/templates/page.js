if (location.protocol === "blob:") {
  // MLflow shows artifacts in a sandboxed frame, where a browser refuses links to places in the page itself.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("nav a");
    const target = link && document.getElementById(link.hash.slice(1));
    if (target) {
      event.preventDefault();
      target.tabIndex = -1;
      target.focus();
      target.scrollIntoView();
    }
  });
}
