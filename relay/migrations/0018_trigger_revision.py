from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("relay", "0017_worker_deaths"),
    ]

    operations = [
        migrations.AddField(
            model_name="trigger",
            name="revision",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.DeleteModel(
            name="Revision",
        ),
    ]
