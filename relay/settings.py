"""Every setting of Relay: RELAY_* variables, DATABASE_URL, REDIS_URL and SECRET_KEY, all listed in README."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import environ  # type: ignore[import-untyped]

from relay import buckets, datafolder, forwarded, logs, mailurl

env = environ.Env()
PACKAGE = Path(__file__).resolve().parent
# A checkout holds templates/ and static/ beside the package; a wheel holds them inside it.
ROOT = PACKAGE.parent if (PACKAGE.parent / "manage.py").exists() else PACKAGE

DATA = datafolder.DataFolder(Path(env("RELAY_DATA", default="data")).absolute())
DEBUG = env.bool("RELAY_DEBUG", default=False)

# Without a data folder (a type checker, a look at --help) a key lives as long as the process.
SECRET_KEY = env("SECRET_KEY", default="") or datafolder.read(DATA.secret_key) or secrets.token_urlsafe(48)
# Without any, the key file's: it is read anew whenever it has changed, so that keys are rotated while all runs.
VAULT_KEYS: list[str] = env.list("RELAY_VAULT_KEYS", default=[])

PUBLIC_URL = env("RELAY_PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    *([_public.hostname] if _public.hostname else []),
    *env.list("RELAY_HOSTS", default=[]),
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _public.scheme == "https"
# Pages hand the token to their forms and to htmx; no script reads the cookie.
CSRF_COOKIE_HTTPONLY = True
# One list for all that a proxy says: X-Forwarded-Proto to the pages, X-Forwarded-For and Forwarded to ingest too.
TRUSTED_PROXIES = forwarded.Networks(
    env.list("RELAY_TRUSTED_PROXIES", default=[])
    or (forwarded.PRIVATE if env.bool("RELAY_BEHIND_PROXY", default=False) else ())
)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None

# What comes in
MAX_BYTES = env.int("RELAY_MAX_BYTES", default=1_048_576)
BODY_TIMEOUT = env.float("RELAY_BODY_TIMEOUT", default=10.0)
RATE = buckets.rate(env("RELAY_RATE")) if env("RELAY_RATE", default="") else None
ADDRESS_RATE = buckets.rate(env("RELAY_ADDRESS_RATE")) if env("RELAY_ADDRESS_RATE", default="") else None
_refused_rate = env("RELAY_REFUSED_RATE", default="100/s")
REFUSED_RATE = buckets.rate(_refused_rate) if _refused_rate else None
# What goes out
ALLOWED_NETWORKS = env.list("RELAY_ALLOWED_NETWORKS", default=[])
OUTBOUND_PORTS = env.list("RELAY_OUTBOUND_PORTS", default=[])
OUTBOUND_PROXY = env("RELAY_OUTBOUND_PROXY", default="").strip()
CONNECTOR_URLS: dict[str, str] = env.json("RELAY_CONNECTOR_URLS", default={})
HTTP_TIMEOUT = env.float("RELAY_HTTP_TIMEOUT", default=15.0)
ANSWER_BYTES = env.int("RELAY_ANSWER_BYTES", default=262_144)
# Mail, where there is a server for it
EMAIL_URL = env("RELAY_EMAIL_URL", default="")
_email = mailurl.settings_of(EMAIL_URL)
EMAIL_BACKEND: str = _email.backend
EMAIL_HOST, EMAIL_PORT = _email.host, _email.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email.user, _email.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _email.starttls, _email.tls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("RELAY_EMAIL_FROM", default="") or f"Relay <relay@{_public.hostname}>"
# How runs are worked on
LEASE = env.float("RELAY_LEASE", default=10.0)
WORKER_THREADS = env.int("RELAY_WORKER_THREADS", default=32)
WORKER_SLICE = env.float("RELAY_WORKER_SLICE", default=8.0)
WORKER_LINGER = env.float("RELAY_WORKER_LINGER", default=0.1)

REDIS_URL = env("REDIS_URL", default="") or f"unix://{quote(str(DATA.socket))}"
EMBEDDED_REDIS = not env("REDIS_URL", default="")
QUEUE = "relay"
RQ_QUEUES = {QUEUE: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": -1, "SERIALIZER": "rq.serializers.JSONSerializer"}}
RQ_SHOW_ADMIN_LINK = False
# What the processes count together: tries to sign in, calls of the API.
CACHES = {"default": {"BACKEND": "relay.queues.counts.SharedCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "relay"}}

# The embedded database's path is no URL: a folder may be called anything.
EMBEDDED_DATABASE: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA.database)}
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL") if env("DATABASE_URL", default="") else EMBEDDED_DATABASE
}
SQLITE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
if SQLITE:
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        # FULL: what is committed survives a loss of power. Workers lower it to NORMAL: their work can be done again.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
            " PRAGMA cache_size=-4000; PRAGMA wal_autocheckpoint=16000; PRAGMA journal_size_limit=67108864;"
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
    # Without "allauth" itself: its templates are never found, ours alone are.
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
]
MIDDLEWARE = [
    "relay.web.middleware.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "relay.web.middleware.StaticFilesMiddleware",
    "relay.web.middleware.WrongMethodMiddleware",
    "relay.web.sessions.CookieMiddleware",
    "django.middleware.common.CommonMiddleware",
    "relay.web.directions.DirectionsMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "relay.web.middleware.ApiMiddleware",
    "relay.web.middleware.SessionMiddleware",
    "relay.web.middleware.WorkspaceMiddleware",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        # The arrow of a select is drawn in the style sheet.
        "img-src": ["'self'", "data:"],
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
CSRF_FAILURE_VIEW = "relay.web.failures.csrf_failure"

AUTH_USER_MODEL = "relay.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_ENGINE = "relay.web.sessions"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "flows"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_RESET_TIMEOUT = 24 * 3600
# REMOTE_ADDR is judged before the pages see it: relay/ingest/entrance.py.
ALLAUTH_TRUSTED_PROXY_COUNT = 0
ACCOUNT_ADAPTER = "relay.web.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"reset_password": "20/h/ip,3/h/key"}
MFA_ADAPTER = "relay.web.adapters.MfaAdapter"
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
    # RQ says two lines a job; ours are few and wide. A made-up Host is answered 400, and no news.
    "loggers": {
        "rq": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
logs.configure(LOG_LEVEL)
