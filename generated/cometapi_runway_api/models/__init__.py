"""Contains all the data models used in inputs/outputs"""

from .character_asset import CharacterAsset
from .character_asset_type import CharacterAssetType
from .character_performance_request import CharacterPerformanceRequest
from .character_performance_request_model import CharacterPerformanceRequestModel
from .compat_act_one_request import CompatActOneRequest
from .compat_image_to_video_options import CompatImageToVideoOptions
from .compat_image_to_video_request import CompatImageToVideoRequest
from .compat_refusal import CompatRefusal
from .compat_task_answer import CompatTaskAnswer
from .compat_task_created import CompatTaskCreated
from .compat_task_id import CompatTaskId
from .compat_task_record import CompatTaskRecord
from .compat_text_to_video_options import CompatTextToVideoOptions
from .compat_text_to_video_request import CompatTextToVideoRequest
from .compat_video_to_video_options import CompatVideoToVideoOptions
from .compat_video_to_video_request import CompatVideoToVideoRequest
from .content_moderation import ContentModeration
from .content_moderation_public_figure_threshold import ContentModerationPublicFigureThreshold
from .feed_request import FeedRequest
from .feed_task import FeedTask
from .gateway_error import GatewayError
from .gateway_error_detail import GatewayErrorDetail
from .image_to_video_request import ImageToVideoRequest
from .known_record_status import KnownRecordStatus
from .known_task_status import KnownTaskStatus
from .motion_vector import MotionVector
from .prompt_image import PromptImage
from .reference_asset import ReferenceAsset
from .reference_asset_type import ReferenceAssetType
from .reference_image import ReferenceImage
from .task import Task
from .task_created import TaskCreated
from .task_envelope import TaskEnvelope
from .task_error import TaskError
from .task_media import TaskMedia
from .task_not_exist import TaskNotExist
from .task_not_exist_status import TaskNotExistStatus
from .task_record import TaskRecord
from .text_to_image_request import TextToImageRequest
from .video_reference import VideoReference
from .video_to_video_created import VideoToVideoCreated
from .video_to_video_request import VideoToVideoRequest
from .video_upscale_request import VideoUpscaleRequest

__all__ = (
    "CharacterAsset",
    "CharacterAssetType",
    "CharacterPerformanceRequest",
    "CharacterPerformanceRequestModel",
    "CompatActOneRequest",
    "CompatImageToVideoOptions",
    "CompatImageToVideoRequest",
    "CompatRefusal",
    "CompatTaskAnswer",
    "CompatTaskCreated",
    "CompatTaskId",
    "CompatTaskRecord",
    "CompatTextToVideoOptions",
    "CompatTextToVideoRequest",
    "CompatVideoToVideoOptions",
    "CompatVideoToVideoRequest",
    "ContentModeration",
    "ContentModerationPublicFigureThreshold",
    "FeedRequest",
    "FeedTask",
    "GatewayError",
    "GatewayErrorDetail",
    "ImageToVideoRequest",
    "KnownRecordStatus",
    "KnownTaskStatus",
    "MotionVector",
    "PromptImage",
    "ReferenceAsset",
    "ReferenceAssetType",
    "ReferenceImage",
    "Task",
    "TaskCreated",
    "TaskEnvelope",
    "TaskError",
    "TaskMedia",
    "TaskNotExist",
    "TaskNotExistStatus",
    "TaskRecord",
    "TextToImageRequest",
    "VideoReference",
    "VideoToVideoCreated",
    "VideoToVideoRequest",
    "VideoUpscaleRequest",
)
