"""What was pulled, decided, listed and told. The only room that writes the database.

Reach for `engine` to open it, `models` to see what it holds and which constraints guard it, and the other modules for
what the rooms ask of it: `intake` (extracts and reconciliations), `caseload` (cases, matches, standings), `reviews`
(what people decided), `outbox` (lists, deliveries, told), `cooperation` (what the review counts, which names nobody).
"""
