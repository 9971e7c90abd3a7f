"""django-q2: the messages, the table they wait in, and the processes that take them out.

Nobody else imports django-q2. `outages` and `kill_points` are about what dies at the wrong moment.
May import `access` and everything below; needs models and declarations only.
"""
