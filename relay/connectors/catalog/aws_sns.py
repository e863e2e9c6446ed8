"""Amazon SNS: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Named

AWS_SNS = Connector(
    key="aws_sns",
    label="Amazon SNS",
    docs="https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html",
    presets=(
        Preset(
            key="aws_sns",
            label="Amazon SNS",
            verify=Named(verifier="topic_message"),
            secret=(
                Field(
                    "topic_arn",
                    "Topic ARN",
                    required=True,
                    secret=True,
                    pattern=r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}",
                    help="arn:aws:sns:...: only its messages are taken.",
                ),
            ),
            dedupe="{{ event.body.MessageId }}",
            event="{{ event.body.Type }}",
            example="Notification",
            help="The subscription is confirmed by itself. Leave raw message delivery off: it drops the signature.",
            success=Success(200, ""),
        ),
    ),
)
