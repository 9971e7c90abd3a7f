"""Settings, addresses, the admin site, people, sign-in: what makes an installation of the packages below.

Nobody imports it, but for types. `install` runs before anything is installed, with `progress`.
"""
