from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("relay", "0022_subscriptions"),
    ]

    operations = [
        migrations.AlterField(
            model_name="batch",
            name="state",
            field=models.CharField(
                choices=[("running", "In progress"), ("done", "Done"), ("cancelled", "Cancelled")],
                default="running",
                max_length=9,
            ),
        ),
        migrations.RunSQL(
            "UPDATE relay_batch SET state = 'running' WHERE state = 'going'",
            "UPDATE relay_batch SET state = 'going' WHERE state = 'running'",
        ),
    ]
