"""Webhooks: since when each has its secret, and the one before it for a day."""

import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0015_absences'),
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='endpoint',
            name='former_ciphertext',
            field=models.BinaryField(db_default=b'', default=bytes),
        ),
        migrations.AddField(
            model_name='endpoint',
            name='secret_since',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='has its secret since'),
        ),
        migrations.AddField(
            model_name='historicalendpoint',
            name='secret_since',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='has its secret since'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('channel', 'webhook')), fields=['address', '-id'], name='delivery_of_webhook'),
        ),
        migrations.AddConstraint(
            model_name='endpoint',
            constraint=models.CheckConstraint(condition=models.Q(('url__startswith', 'https://')), name='a_webhook_goes_by_https'),
        ),
    ]
