"""The review of the cooperation as it leaves: made of the period that is over, signed, kept, and mailed once.

Reach for `send_review` as what the DAG asks. It holds no personal data, so it is signed and not sealed.
"""

import datetime as dt
import json

from include.arrangements.reading import load_review
from include.settings import arrangements_folder, data_folder, write_private

_SENT = "sent.json"
_BODY = """\
The review of the cooperation between IOM and UNHCR on assisted voluntary return, from {first} to {last}, with the
tables behind it. It is for the headquarters of both agencies and not public; it names nobody.

What each figure means stands on its last pages. The files ending in .asc are IOM's signatures:

    gpg --verify FILE.asc FILE
"""


class ReviewRefused(ValueError):
    """review.yaml does not load; the message lists each problem."""


def send_review(moment: dt.datetime, now: dt.datetime) -> str:
    """Make and keep the review of the period that was over at `moment`, and mail it; returns what was done.

    What was mailed is not mailed twice, nor made anew: the files in the folder are those that headquarters has.
    raises: ReviewRefused; SealRefused or DeliveryRefused if it cannot be signed; DeliveryFailed, DeliveryRefused or
        DeliveryUnknown if it cannot be mailed: it is kept all the same, and mailed when this is run again
    """
    from include.connections import open_smtp, signing_key
    from include.delivery.email import deliver, message
    from include.delivery.sealing import signed
    from include.reports.cooperation.keeping import made, period_before, write

    settings, problems = load_review(arrangements_folder())
    if problems:
        raise ReviewRefused("\n".join(str(problem) for problem in problems))
    period = period_before(settings.every, moment.date())
    name, folder = f"review_{period}", data_folder() / "reviews" / str(period)
    if (folder / _SENT).exists():
        return f"{name} was sent already; python -m include review makes one anew"
    key = signing_key()
    files = [(one.name, one.content) for file in made(period, now) for one in signed(file.name, file.content, key, now)]
    write(files, folder)
    if not settings.to:
        return f"{name} is kept in reviews/{period} of the data folder: review.yaml names nobody to send it to"
    with open_smtp(settings.connection) as (smtp, sender):
        mail = message(
            sender=sender,
            to=settings.to,
            subject=f"Review of the cooperation, {period.first} to {period.last}",
            body=_BODY.format(first=period.first, last=period.last),
            files=files,
            list_number=name,
            date=now,
        )
        proof = deliver(smtp, mail).proof
    write_private(folder / _SENT, json.dumps({"at": now.isoformat(timespec="seconds"), **proof}).encode())
    refused = f", {proof['refused']} refused ({proof['refused_with']})" if proof["refused"] else ""
    return f"{name} was sent to {proof['accepted']} addresses{refused}, and is kept in reviews/{period}"
