"""How a mail looks: one layout for all, as HTML and as text. Pure.

What a letter says is plain text; the layout escapes it. So nothing a user or a provider wrote can become markup.
"""

from dataclasses import dataclass
from email.utils import parseaddr
from html import escape


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What is sent."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What one mail says: paragraphs, then facts as a list, then a closing word. `action` is what its link is called."""

    subject: str
    heading: str
    paragraphs: tuple[str, ...]
    rows: tuple[tuple[str, str], ...] = ()
    closing: str = ""
    action: str = "Open your account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whom mails come from, as `Name <address>`, and where the application is."""

    address: str
    app_url: str

    @property
    def name(self) -> str:
        return parseaddr(self.address)[0] or "ATS Resume Generator"


def mail(written: Letter, why: str, sender: Sender) -> Mail:
    """The letter, laid out; `why` says at its foot why somebody gets it."""
    return Mail(
        subject=" ".join(written.subject.split()),  # one line, whatever a fact holds
        text=_text(written, why, sender),
        html=_html(written, why, sender),
    )


def _text(written: Letter, why: str, sender: Sender) -> str:
    rows = [f"{name}: {value}" for name, value in written.rows]
    parts = [
        written.heading,
        *written.paragraphs,
        "\n".join(rows),
        written.closing,
        f"{written.action}: {sender.app_url}",
        f"{why}\n{sender.name}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_QUIET = "color:#5b6472;font-size:13px;line-height:20px"
_CELL = "padding:8px 0;border-top:1px solid #e6e8ec;font-size:15px;line-height:22px;vertical-align:top"


def _html(written: Letter, why: str, sender: Sender) -> str:
    paragraphs = "".join(_paragraph(each) for each in written.paragraphs)
    closing = _paragraph(written.closing) if written.closing else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(written.subject)}</title></head>"
        f'<body style="margin:0;padding:0;background:#f3f4f6;{_FONT};color:#1b2330">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr>'
        '<td align="center" style="padding:24px 12px">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px;background:#ffffff;'
        'border-radius:8px"><tr><td style="padding:28px 32px">'
        f'<p style="margin:0 0 20px;{_QUIET}">{escape(sender.name)}</p>'
        f'<h1 style="margin:0 0 16px;font-size:22px;line-height:30px">{escape(written.heading)}</h1>'
        f"{paragraphs}{_table(written.rows)}{closing}"
        f'<p style="margin:24px 0 0"><a href="{escape(sender.app_url)}" style="display:inline-block;padding:12px 20px;'
        f'background:#1d4ed8;border-radius:6px;color:#ffffff;text-decoration:none;font-size:15px">{escape(written.action)}</a></p>'
        f'</td></tr></table><p style="max-width:560px;margin:16px auto 0;{_QUIET}">{escape(why)}</p>'
        "</td></tr></table></body></html>"
    )


def _paragraph(words: str) -> str:
    return f'<p style="margin:0 0 16px;font-size:16px;line-height:25px">{escape(words)}</p>'


def _table(rows: tuple[tuple[str, str], ...]) -> str:
    if not rows:
        return ""
    lines = "".join(
        f'<tr><th scope="row" align="left" style="{_CELL};padding-right:16px;font-weight:normal;color:#5b6472">'
        f'{escape(name)}</th><td align="right" style="{_CELL}">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f'<table width="100%" cellpadding="0" cellspacing="0" style="margin:8px 0 16px">{lines}</table>'
