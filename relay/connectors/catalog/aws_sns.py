"""Amazon SNS: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Handshake, Named, When

HOST = r"https://sns\.[a-z0-9-]{3,40}\.amazonaws\.com(?:\.cn)?"

AWS_SNS = Connector(
    key="aws_sns",
    label="Amazon SNS",
    docs="https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html",
    presets=(
        Preset(
            key="aws_sns",
            label="Amazon SNS",
            body_types=("json",),
            verify=Named(
                verifier="topic_message",
                options={"url": HOST + r"/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem", "name": "amazonaws.com"},
            ),
            handshakes=(
                Handshake(
                    key="sns_subscription",
                    when=When(equals={"json:Type": "SubscriptionConfirmation"}),
                    auth="signed",
                    call="json:SubscribeURL",
                    shapes={"json:SubscribeURL": HOST + r"/\?[A-Za-z0-9%&=:._~-]{1,2000}"},
                ),
                Handshake(key="sns_end", when=When(equals={"json:Type": "UnsubscribeConfirmation"}), auth="signed"),
            ),
            secret=(
                Field(
                    "topic_arn",
                    "Topic ARN",
                    required=True,
                    secret=True,
                    pattern=r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}",
                    help="arn:aws:sns:...: only its messages are accepted.",
                ),
            ),
            # It sends JSON as text/plain.
            dedupe="{{ event.body.MessageId }}",
            event="{{ event.body.TopicArn }}",
            example="arn:aws:sns:eu-west-1:123456789012:orders",
            help="The subscription is confirmed automatically. Leave raw message delivery off: it drops the signature.",
            success=Success(200, ""),
        ),
    ),
)
