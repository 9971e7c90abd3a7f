-- ProposedChanges, again: of people and groups, too, nobody decides alone once somebody else could.
--
-- * A change that one person makes alone is only made where nobody else has ever been able to decide
--   it. Closed accounts and rights that were taken away stay in the history.

-- Whether somebody else has ever administered this task: as a superuser, or by a right of their own
-- or of their group. Without a task: has ever been able to change people and groups, by a general
-- permission.
CREATE OR REPLACE FUNCTION tasks_was_shared(task bigint, person bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM backoffice_historicaluser
            WHERE is_superuser AND is_active AND id <> person)
        OR EXISTS (SELECT FROM tasks_historicaltaskuserpermission held
            JOIN auth_permission permission ON permission.id = held.permission_id
            WHERE held.content_object_id = task AND permission.codename = 'change_task'
                AND held.user_id <> person)
        OR EXISTS (SELECT FROM tasks_historicaltaskgrouppermission held
            JOIN auth_permission permission ON permission.id = held.permission_id
            JOIN backoffice_historicalmembership member ON member.group_id = held.group_id
            WHERE held.content_object_id = task AND permission.codename = 'change_task'
                AND member.user_id <> person)
        OR (task IS NULL AND EXISTS (SELECT FROM auth_permission permission
            JOIN django_content_type kind ON kind.id = permission.content_type_id
            WHERE kind.app_label = 'backoffice' AND permission.codename = 'change_user'
                AND (EXISTS (SELECT FROM backoffice_user_user_permissions held
                        WHERE held.permission_id = permission.id AND held.user_id <> person)
                    OR EXISTS (SELECT FROM auth_group_permissions held
                        JOIN backoffice_historicalmembership member ON member.group_id = held.group_id
                        WHERE held.permission_id = permission.id AND member.user_id <> person))))
$$;
