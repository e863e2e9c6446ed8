"""Reads the settings of Relay, which docs/settings.md describes: RELAY_*, DATABASE_URL, REDIS_URL, SECRET_KEY."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import environ  # type: ignore[import-untyped]

from relay import client_address, data_folder, files_url, logs, mail_url, origins, token_bucket

env = environ.Env()
PACKAGE = Path(__file__).resolve().parent
# A checkout holds templates/ and static/ beside the package; a wheel holds them inside it.
ROOT = PACKAGE.parent if (PACKAGE.parent / "manage.py").exists() else PACKAGE

DATA = data_folder.DataFolder(Path(env("RELAY_DATA", default="data")).absolute())
DEBUG = env.bool("RELAY_DEBUG", default=False)

# Without a data folder (in a type checker, or for --help), the key lasts as long as the process.
SECRET_KEY = env("SECRET_KEY", default="") or data_folder.read(DATA.secret_key) or secrets.token_urlsafe(48)
# If empty, the keys in the key file, which is read again whenever it changes, so that keys can be rotated any time.
VAULT_KEYS: list[str] = env.list("RELAY_VAULT_KEYS", default=[])

PUBLIC_URL = origins.public_url(env("RELAY_PUBLIC_URL", default="") or "http://127.0.0.1:8000")
_public = urlsplit(PUBLIC_URL)
# A separate host for /in/, whose responses come from flows.
INGEST_URL = origins.ingest_url(env("RELAY_INGEST_URL", default=""), public_url=PUBLIC_URL)
INGEST_HOST = origins.hostname(urlsplit(INGEST_URL).netloc)
_served = origins.served(PUBLIC_URL, env.list("RELAY_HOSTS", default=[]), without=INGEST_HOST)
ALLOWED_HOSTS, CSRF_TRUSTED_ORIGINS = _served.hosts, _served.origins
# Hosts to which no response of a flow may redirect.
OWN_HOSTS = (*ALLOWED_HOSTS, *([INGEST_HOST] if INGEST_HOST else []))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _public.scheme == "https"
# Pages put the token into their forms and into htmx; no script reads the cookie.
CSRF_COOKIE_HTTPONLY = True
# One list for all headers of proxies: X-Forwarded-Proto for pages, X-Forwarded-For and Forwarded also for ingest.
TRUSTED_PROXIES = client_address.Networks(
    env.list("RELAY_TRUSTED_PROXIES", default=[])
    or (client_address.PRIVATE if env.bool("RELAY_BEHIND_PROXY", default=False) else ())
)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None

# Inbound requests
MAX_BYTES = env.int("RELAY_MAX_BYTES", default=1_048_576)
# Bytes of the files of one request, and of a file that an action fetches.
MAX_FILE_BYTES = env.int("RELAY_MAX_FILE_BYTES", default=26_214_400)
# An S3-compatible store for the bytes of files; None keeps them in the database.
FILES_STORE = files_url.settings_of(env("RELAY_FILES_URL", default="").strip())
BODY_TIMEOUT = env.float("RELAY_BODY_TIMEOUT", default=10.0)
RATE = token_bucket.rate(env("RELAY_RATE")) if env("RELAY_RATE", default="") else None
ADDRESS_RATE = token_bucket.rate(env("RELAY_ADDRESS_RATE")) if env("RELAY_ADDRESS_RATE", default="") else None
_refused_rate = env("RELAY_REFUSED_RATE", default="100/s")
REFUSED_RATE = token_bucket.rate(_refused_rate) if _refused_rate else None
# Outbound requests
ALLOWED_NETWORKS = env.list("RELAY_ALLOWED_NETWORKS", default=[])
OUTBOUND_PORTS = env.list("RELAY_OUTBOUND_PORTS", default=[])
OUTBOUND_PROXY = env("RELAY_OUTBOUND_PROXY", default="").strip()
# Certificates of private CAs, trusted beside the usual ones.
CA_FILE = env("RELAY_CA_FILE", default="").strip()
CONNECTOR_URLS: dict[str, str] = env.json("RELAY_CONNECTOR_URLS", default={})
HTTP_TIMEOUT = env.float("RELAY_HTTP_TIMEOUT", default=15.0)
ANSWER_BYTES = env.int("RELAY_ANSWER_BYTES", default=262_144)
# Mail
EMAIL_URL = env("RELAY_EMAIL_URL", default="")
_email = mail_url.settings_of(EMAIL_URL)
EMAIL_BACKEND: str = _email.backend
EMAIL_HOST, EMAIL_PORT = _email.host, _email.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email.user, _email.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _email.starttls, _email.tls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("RELAY_EMAIL_FROM", default="") or f"Relay <relay@{_public.hostname}>"
# Workers
LEASE = env.float("RELAY_LEASE", default=10.0)
WORKER_THREADS = env.int("RELAY_WORKER_THREADS", default=32)
WORKER_SLICE = env.float("RELAY_WORKER_SLICE", default=8.0)
WORKER_MEMORY = env.int("RELAY_WORKER_MEMORY", default=512) * 1024 * 1024
WORKER_LINGER = env.float("RELAY_WORKER_LINGER", default=0.1)

REDIS_URL = env("REDIS_URL", default="") or f"unix://{quote(str(DATA.socket))}"
EMBEDDED_REDIS = not env("REDIS_URL", default="")
QUEUE = "relay"
RQ_QUEUES = {QUEUE: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": -1, "SERIALIZER": "rq.serializers.JSONSerializer"}}
RQ_SHOW_ADMIN_LINK = False
# Counters that processes share: attempts to sign in, and calls of the API.
CACHES = {
    "default": {"BACKEND": "relay.queues.shared_counters.SharedCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "relay"}
}

# The embedded database's path is not a URL, because a folder may have any name.
EMBEDDED_DATABASE: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA.database)}
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL") if env("DATABASE_URL", default="") else EMBEDDED_DATABASE
}
SQLITE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
# Bytes of SQLite's write-ahead log beyond which upkeep copies it into the database, and to which its file is cut; and
# pages (256 MB) beyond which a commit copies it, which happens only if no upkeep runs.
LOG_BYTES = 16 * 1024 * 1024
LOG_MOST_PAGES = 65_536
if SQLITE:
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        # FULL: commits survive a power failure. Workers lower it to NORMAL, because their work can be done again.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
            f" PRAGMA cache_size=-4000; PRAGMA wal_autocheckpoint={LOG_MOST_PAGES};"
            f" PRAGMA journal_size_limit={LOG_BYTES};"
        ),
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 300
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

INSTALLED_APPS = [
    "relay",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_rq",
    "csp",
    # Without "allauth" itself: so that its templates are never used.
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
]
MIDDLEWARE = [
    "relay.web.ui.middleware.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "relay.web.ui.content_security_policy.PolicyMiddleware",
    "relay.web.ui.middleware.StaticFilesMiddleware",
    "relay.web.ui.middleware.WrongMethodMiddleware",
    "relay.web.auth.sessions.CookieMiddleware",
    "django.middleware.common.CommonMiddleware",
    "relay.web.ui.bidi.DirectionsMiddleware",
    "relay.web.ui.csrf.CsrfMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "relay.web.ui.middleware.ZoneMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "relay.web.ui.middleware.ApiMiddleware",
    "relay.web.ui.middleware.SessionMiddleware",
    "relay.web.ui.middleware.WorkspaceMiddleware",
    "relay.web.ui.middleware.FlowAddressMiddleware",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        # relay.web.ui.content_security_policy adds script-src, style-src and img-src: the static path of the host.
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
ROOT_URLCONF = "relay.urls"
ASGI_APPLICATION = "relay.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
CSRF_FAILURE_VIEW = "relay.web.ui.error_pages.csrf_failure"

AUTH_USER_MODEL = "relay.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_ENGINE = "relay.web.auth.sessions"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "flows"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_RESET_TIMEOUT = 24 * 3600
# relay/ingest/asgi_app.py sets REMOTE_ADDR to the sender's address before the pages see it.
ALLAUTH_TRUSTED_PROXY_COUNT = 0
ACCOUNT_ADAPTER = "relay.web.auth.allauth_adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"reset_password": "20/h/ip,3/h/key"}
MFA_ADAPTER = "relay.web.auth.allauth_adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Relay"
MFA_TOTP_TOLERANCE = 1
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
SILENCED_SYSTEM_CHECKS: list[str] = []

LOG_LEVEL = env("RELAY_LOG_LEVEL", default="INFO").upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # RQ logs two lines for each job. A made-up Host gets a 400, and isn't worth a log line.
    "loggers": {
        "rq": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
logs.configure(LOG_LEVEL)
