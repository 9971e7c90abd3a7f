"""All settings, in one file. Each comes from the environment and has a safe default.

docs/reference/settings.md lists them.
"""

import sys
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy

from backoffice.demo.data_folder import default_folder
from backoffice.navigation import UNFOLD  # noqa: F401 - the theme's settings

env = environ.Env()

DATA_DIR = Path(env.str("BACKOFFICE_DATA", default=str(default_folder()))).resolve()
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="" if not DEBUG else "only-for-development" * 3)
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Set it in the environment (`make demo` and `make test` do it for "
        "you), or set DEBUG=1 on a developer's machine."
    )
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# What may be run here: dotted paths of modules, or of packages whose modules are all loaded.
TASK_MODULES = env.list("TASK_MODULES", default=["fixtures.ledger.operations"])

# How scripts are kept from everything else: by bubblewrap ("required"), by it where it works
# ("if_possible"), or only by their keeper ("off"). See tasks/contrib/script/isolation.py.
_on_own_machine = DEBUG or env.bool("INSECURE_HTTP", default=False)
SCRIPT_SANDBOX = env.str("SCRIPT_SANDBOX", default="if_possible" if _on_own_machine else "required")

STRIPE_API_KEY = env.str("STRIPE_API_KEY", default="")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com")

# --- Telling people -----------------------------------------------------------------------------
# Beside the inbox, by what CHANNELS names: dotted paths of classes.

# Where readers of messages find this site: https://backoffice.example, without a slash at the end.
SITE_URL = env.str("SITE_URL", default="http://localhost:8000").rstrip("/")
# Such as smtp+tls://user:password@mail.example:587. Without it nothing is mailed.
_mail = env.email_url("EMAIL_URL", default="dummymail://")
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default=_mail["EMAIL_BACKEND"])
EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"] or "", _mail["EMAIL_PORT"] or 25
EMAIL_HOST_USER = _mail["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10  # seconds for each answer of the mail server
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="backoffice@localhost")
EMAIL_FOLDER = DATA_DIR / "mail"  # of the demo, which sends nothing
_mails = not EMAIL_BACKEND.endswith(".dummy.EmailBackend")
# A bot's token: without it nothing is sent to Slack. Clicks arrive by manage.py slack with the app's
# token or, where Slack can reach this site, signed with the secret.
SLACK_BOT_TOKEN = env.str("SLACK_BOT_TOKEN", default="")
SLACK_APP_TOKEN = env.str("SLACK_APP_TOKEN", default="")
SLACK_SIGNING_SECRET = env.str("SLACK_SIGNING_SECRET", default="")
SLACK_TEAM_ID = env.str("SLACK_TEAM_ID", default="")  # the one workspace that is ours
SLACK_API_URL = env.str("SLACK_API_URL", default="https://slack.com/api/")
_channels = ["approvals.channels.email.Email"] if _mails else []
_channels += ["approvals.channels.slack.Slack"] if SLACK_BOT_TOKEN else []
CHANNELS = env.list("CHANNELS", default=_channels)
# How long one message may take in total, however the other side draws it out.
DELIVERY_SECONDS = env.int("DELIVERY_SECONDS", default=20)
# Hosts of a private network, as "name:port", to which webhooks may go all the same.
WEBHOOK_PRIVATE_HOSTS = env.list("WEBHOOK_PRIVATE_HOSTS", default=[])

# --- What Django is made of ---------------------------------------------------------------------


INSTALLED_APPS = [
    "backoffice",  # before the theme, whose templates it may replace
    "unfold.apps.BasicAppConfig",  # the other one would put the theme's site in place of ours
    "unfold.contrib.filters",
    "unfold.contrib.simple_history",
    "backoffice.apps.BackofficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "guardian",
    "django_q",
    "simple_history",
    "csp",
    "audit",
    "approvals",
    "tasks",
    "fixtures.ledger",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # see docs/decisions/0030-a-frame-of-our-own.md
    "csp.middleware.CSPMiddleware",
    "backoffice.bad_requests.NoNulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "audit.context.AuditMiddleware",
    "backoffice.time_zones.TimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "backoffice.unsent.UnsentForms",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "audit.texts.pages.NothingHiddenMiddleware",
]

CSRF_FAILURE_VIEW = "backoffice.unsent.csrf_failure"
ROOT_URLCONF = "backoffice.urls"
WSGI_APPLICATION = "backoffice.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database -----------------------------------------------------------------------------------
# Web and worker connect as a role that owns no table and so cannot rewrite history; migrations
# connect as the owner. See docs/explanation/database-roles.md.

_socket = f"postgresql:///backoffice?host={DATA_DIR / 'postgres'}&user="
DATABASES = {
    "default": env.db_url("DATABASE_URL", default=f"{_socket}backoffice_app"),
    "owner": env.db_url(
        "DATABASE_OWNER_URL",
        default=env.str("DATABASE_URL", default=f"{_socket}backoffice_owner"),
    ),
}
for _database in DATABASES.values():
    _database |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
DATABASES["owner"]["TEST"] = {"MIRROR": "default"}
DATABASE_APP_ROLE = env.str("DATABASE_APP_ROLE", default="backoffice_app")
DATABASE_LOOKUP_ROLE = env.str("DATABASE_LOOKUP_ROLE", default="backoffice_lookup")
# What SQL look-ups read, by name: "lookup=postgresql://... replica=postgresql://...".
_embedded = "" if env.str("DATABASE_URL", default="") else f"lookup={_socket}{DATABASE_LOOKUP_ROLE}"
LOOKUP_DATABASES = dict(
    pair.partition("=")[::2] for pair in env.str("LOOKUP_DATABASES", default=_embedded).split()
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People -------------------------------------------------------------------------------------

AUTH_USER_MODEL = "backoffice.User"
AUTHENTICATION_BACKENDS = [
    "backoffice.sign_in.NameOrEmailBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
ANONYMOUS_USER_NAME = None  # guardian: no row that stands for nobody
GUARDIAN_RAISE_403 = True

# --- History ------------------------------------------------------------------------------------

SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True
SIMPLE_HISTORY_REVERT_DISABLED = True  # hides the button; the views refuse the POST

# --- Queue --------------------------------------------------------------------------------------
# django-q2 rings the bell, the Run row decides what happens. docs/explanation/queue.md gives the
# reason for each value.

# Where a ticket is read: https://support.example.com/tickets/{ticket}. Empty: its number is no link.
TICKET_URL = env.str("TICKET_URL", default="")

# Up to which amount of each currency people may start runs without checking them first, if they choose so.
CONFIRMATION_LIMITS = env.dict(
    "CONFIRMATION_LIMITS", default={"USD": "50", "EUR": "50", "GBP": "50"}
)

# How old the proof of who somebody is may be when they agree where a rule asks for it.
FRESH_PROOF_SECONDS = env.int("FRESH_PROOF_SECONDS", default=300)

# For how long a worker may be silent before its run is taken from it. Its heart beats three times.
RUN_LEASE_SECONDS = env.int("RUN_LEASE_SECONDS", default=60)
# How long a run that was asked to stop may go on before it is stopped by force.
CANCEL_GRACE_SECONDS = env.int("CANCEL_GRACE_SECONDS", default=30)
# Before a run is tried again; each further pause is four times as long.
RUN_FIRST_PAUSE_SECONDS = env.float("RUN_FIRST_PAUSE_SECONDS", default=30)
# A run that waits so long after its message was sent is announced again.
RUN_RING_AGAIN_SECONDS = env.float("RUN_RING_AGAIN_SECONDS", default=120)
# For so many days a paused run waits for somebody to look, or to let it go on.
RUN_PAUSE_DAYS = env.float("RUN_PAUSE_DAYS", default=7)
TASK_TIMEOUT_LIMIT = env.int("TASK_TIMEOUT_LIMIT", default=180)
_workers = env.int("WORKERS", default=2)
# Messages to people have workers of their own: no run waits for a mail server.
MESSAGE_WORKERS = env.int("MESSAGE_WORKERS", default=2)
MESSAGE_TASK_SECONDS = 30 + DELIVERY_SECONDS + 10  # sends for 30 seconds, and ends the last one
# As few messages in memory as possible: what waits there may be delivered to somebody else too.
_queue_limit = _bulk = 1
# A message waits behind those others, each of which may take all of its time.
_longest_wait = TASK_TIMEOUT_LIMIT * (1 + -(-(_queue_limit + _bulk) // _workers))
WORKER_STOP_SECONDS = env.int("WORKER_STOP_SECONDS", default=_longest_wait + 30)
READY_QUEUE_SECONDS = env.int(
    "READY_QUEUE_SECONDS", default=120
)  # see backoffice/monitoring/health.py
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
Q_CLUSTER = {
    "name": "backoffice",  # part of each message's signature: never change it
    "orm": "default",  # the database of the runs: a message commits with the run it announces
    "broker_class": "tasks.queue.broker.PostgresBroker",  # one statement per message, woken by NOTIFY
    "workers": _workers,
    "queue_limit": _queue_limit,
    "bulk": _bulk,
    "timeout": TASK_TIMEOUT_LIMIT,  # never None: a run that hangs would keep its worker for ever
    "retry": _longest_wait + 60,  # only for what nobody has acknowledged by then
    "max_attempts": 1,  # the queue never tries again: the run does, or a person
    "ack_failures": True,  # so a failure is an end; read where messages are put in, too
    "save_limit": -1,  # the run is the record, and pruning reads every record for each message
    "poll": 1.0,  # with NOTIFY only the longest time in which a message can be overheard
    "guard_cycle": 0.5,  # deaths are noticed at once; this is for time-outs and queues that stall
    "scheduler": False,  # its table would let whoever may write to it run any code
    "recycle": 5000,  # a leak in a task has an end; a new worker has to learn all statements anew
    # The same for a large leak, in the unit of getrusage: KB, on macOS bytes.
    "max_rss": 600_000 * (1000 if sys.platform == "darwin" else 1),
    "log_level": "WARNING",
    "ALT_CLUSTERS": {},  # without it, Q_CLUSTER_NAME in the environment is a KeyError
}

# --- Language, time, files ----------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
_static = "django.contrib.staticfiles.storage.StaticFilesStorage"
if not DEBUG:
    _static = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _static},
}

# --- Browser ------------------------------------------------------------------------------------
# INSECURE_HTTP=1 is for a machine of one's own: a demo on localhost has no certificate.

_https = not _on_own_machine
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"  # with no-referrer, browsers send "Origin: null" on POST
SESSION_COOKIE_AGE = 12 * 60 * 60
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "class": "tasks.secrets.masking.MaskingFormatter",  # no secret gets into the log
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "filters": {"hide_tokens": {"()": "backoffice.mail_tokens.HideTokens"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "filters": ["hide_tokens"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        # At INFO Bolt writes down the whole body of what is wrongly signed.
        "approvals.channels.slack.bolt": {"level": "WARNING"},
        # Without Django's own handlers, which hide nothing: what it says goes to ours.
        "django": {"level": "INFO", "handlers": []},
    },
}
