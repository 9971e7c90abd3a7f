"""The settings of a task: who may do what with it, and when others must agree.

Below the catalogue, above `requests`, whose lists of options it shows.
"""

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path, re_path

from tasks.access.rights import Right
from tasks.admin.requests.request_page import options
from tasks.admin.settings import overview, permissions, resources, rules


def urls(site: AdminSite) -> list[URLPattern]:
    """The addresses below the catalogue's.

    A task's slug is letters, digits and hyphens between them, so that “-” is nobody's.
    """
    view = site.admin_view
    return [
        path("-/settings/", view(overview.every_task), name="tasks_task_settings_list"),
        path("-/permissions/", view(permissions.matrix), name="tasks_permissions"),
        re_path(
            r"^-/permissions/(?P<kind>group|person)/(?P<pk>[0-9]{1,9})/$",
            view(permissions.of_holder),
            name="tasks_holder_permissions",
        ),
        path("-/resources/", view(resources.resources), name="tasks_resources"),
        path("<slug:slug>/settings/", view(overview.one_task), name="tasks_task_settings"),
        path("<slug:slug>/settings/grants/", view(overview.save_grants), name="tasks_task_grants"),
        path(
            "<slug:slug>/settings/options/<slug:parameter>/",
            view(options),
            {"right": Right.CHANGE},
            name="tasks_task_try_options",
        ),
        path("<slug:slug>/settings/rules/new/", view(rules.edit), name="tasks_task_rule_new"),
        path("<slug:slug>/settings/rules/<int:rule_id>/", view(rules.edit), name="tasks_task_rule"),
        path(
            "<slug:slug>/settings/rules/<int:rule_id>/end/",
            view(rules.end),
            name="tasks_task_rule_end",
        ),
    ]
