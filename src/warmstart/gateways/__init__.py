"""Front doors: HTTP in, an event, an invoke, HTTP out, while somebody waits."""
