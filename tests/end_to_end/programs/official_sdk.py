"""A program for the official SDK. Key and base URL come from the SDK's environment variables."""

from runwayml import RunwayML, TaskFailedError


def animate(character, performance):
    with RunwayML() as client:
        try:
            task = client.character_performance.create(
                model="act_two",
                character={"type": "image", "uri": character},
                reference={"type": "video", "uri": performance},
                ratio="1280:720",
                body_control=True,
                expression_intensity=3,
                seed=42,
                content_moderation={"public_figure_threshold": "auto"},
            ).wait_for_task_output(timeout=300)
        except TaskFailedError as error:
            return f"{error.task_details.id} failed: {error.task_details.failure}"
        return client.tasks.retrieve(task.id).output[0]
