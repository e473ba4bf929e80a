"""How is a notice mailed? By SMTP; later messages of a matter are answers to its first one."""

import smtplib
import ssl
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256

from connector.settings import Smtp
from connector.store.notices import Notice
from sync.printable import printable

TIMEOUT_SECONDS = 20.0
#: the port on which TLS begins with the first byte (RFC 8314)
SMTPS = 465
LONGEST_SUBJECT = 200


class NotMailed(Exception):
    """It may be tried again; the text shows no password."""


def compose(notice: Notice, smtp: Smtp, base_url: str, now: datetime) -> EmailMessage:
    message = EmailMessage()
    message["From"] = smtp.from_
    message["To"] = notice.address or ", ".join(smtp.to)
    answered = notice.sent_revision > 0
    subject = _seen(notice.subject)[:LONGEST_SUBJECT]
    message["Subject"] = f"Re: {subject}" if answered else subject
    message["Date"] = format_datetime(now)
    domain = smtp.from_.rpartition("@")[2]
    thread = sha256(f"{notice.matter} {notice.created_at.isoformat()}".encode()).hexdigest()[:32]
    first = f"<{thread}.{notice.channel.partition(':')[0]}@{domain}>"
    message["Message-ID"] = f"<{thread}.{notice.revision}@{domain}>" if answered else first
    if answered:
        message["In-Reply-To"] = first
        message["References"] = first
    message["Auto-Submitted"] = "auto-generated"
    text = "\n".join(_seen(line) for line in notice.body.splitlines())
    link = (
        f"\n\nLook at it: {base_url}{notice.link}" if notice.link and base_url and not notice.address else ""
    )
    message.set_content(f"{text}{link}\n")
    return message


def _seen(line: str) -> str:
    """What a stranger wrote was made printable before: here its escapes stay as they are."""
    return "".join(map(printable, line))


def send(message: EmailMessage, smtp: Smtp, ca_bundle: str | None = None) -> None:
    """Raises NotMailed. Never in the clear where `starttls` is set, whatever the server offers."""
    try:
        context = ssl.create_default_context(cafile=ca_bundle)
        if smtp.port == SMTPS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                smtp.host, smtp.port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(smtp.host, smtp.port, timeout=TIMEOUT_SECONDS)
        with server:
            if smtp.starttls and smtp.port != SMTPS:
                server.starttls(context=context)
            if smtp.username:
                server.login(smtp.username, smtp.password.get_secret_value() if smtp.password else "")
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        raise NotMailed(f"{smtp.host} refused the recipients: {', '.join(map(str, codes))}") from None
    except smtplib.SMTPResponseException as error:
        raise NotMailed(f"{smtp.host} refused it: {error.smtp_code}") from None
    except smtplib.SMTPNotSupportedError as error:
        raise NotMailed(f"{smtp.host}: {error}") from None
    except ssl.SSLCertVerificationError as error:
        raise NotMailed(
            f"the certificate of {smtp.host} isn't trusted ({error.verify_message}): "
            "CONNECTOR_CA_BUNDLE names a file of authorities"
        ) from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotMailed(f"{smtp.host}: {type(error).__name__}") from None
