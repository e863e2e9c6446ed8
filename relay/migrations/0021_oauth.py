import django.db.models.deletion
import relay.models.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("relay", "0020_connection_status"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="connected_as",
            field=models.CharField(db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="connection",
            name="connected_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="connection",
            name="connected_by",
            field=models.CharField(db_default="", default="", max_length=254),
        ),
        migrations.AddField(
            model_name="connection",
            name="granted_scopes",
            field=models.TextField(db_default="", default="", help_text="separated by spaces"),
        ),
        migrations.AddField(
            model_name="connection",
            name="renewal_faults",
            field=models.IntegerField(db_default=0, default=0, help_text="faults of the token endpoint in a row"),
        ),
        migrations.AddField(
            model_name="connection",
            name="renewing_until",
            field=relay.models.fields.MomentField(
                help_text="until then one process renews the token or, after a fault, none does", null=True
            ),
        ),
        migrations.AddField(
            model_name="connection",
            name="token_expires_at",
            field=relay.models.fields.MomentField(help_text="null: the access token doesn't expire", null=True),
        ),
        migrations.AddField(
            model_name="connection",
            name="token_fault",
            field=models.TextField(
                db_default="", default="", help_text="why there is no token; for good if `renewing_until` is null"
            ),
        ),
        migrations.AddField(
            model_name="connection",
            name="token_revision",
            field=models.IntegerField(
                help_text="counts the changes of its tokens, 0 before the first; null: it isn't connected by OAuth",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="PendingAuthorization",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state_digest", models.CharField(max_length=64, unique=True)),
                ("session_digest", models.CharField(max_length=64)),
                ("sealed", models.BinaryField()),
                ("expires_at", relay.models.fields.MomentField(db_index=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="relay.connection"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="OAuthClient",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("connector", models.CharField(max_length=60)),
                ("sealed", models.BinaryField()),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="oauth_clients", to="relay.workspace"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("workspace", "connector"), name="oauth_client_once")],
            },
        ),
    ]
