"""Contains all the data models used in inputs/outputs"""

from .character_asset import CharacterAsset
from .character_asset_type import CharacterAssetType
from .character_performance_request import CharacterPerformanceRequest
from .character_performance_request_model import CharacterPerformanceRequestModel
from .content_moderation import ContentModeration
from .content_moderation_public_figure_threshold import ContentModerationPublicFigureThreshold
from .gateway_error import GatewayError
from .gateway_error_detail import GatewayErrorDetail
from .known_record_status import KnownRecordStatus
from .known_task_status import KnownTaskStatus
from .reference_asset import ReferenceAsset
from .reference_asset_type import ReferenceAssetType
from .task import Task
from .task_created import TaskCreated
from .task_envelope import TaskEnvelope
from .task_error import TaskError
from .task_not_exist import TaskNotExist
from .task_not_exist_status import TaskNotExistStatus
from .task_record import TaskRecord

__all__ = (
    "CharacterAsset",
    "CharacterAssetType",
    "CharacterPerformanceRequest",
    "CharacterPerformanceRequestModel",
    "ContentModeration",
    "ContentModerationPublicFigureThreshold",
    "GatewayError",
    "GatewayErrorDetail",
    "KnownRecordStatus",
    "KnownTaskStatus",
    "ReferenceAsset",
    "ReferenceAssetType",
    "Task",
    "TaskCreated",
    "TaskEnvelope",
    "TaskError",
    "TaskNotExist",
    "TaskNotExistStatus",
    "TaskRecord",
)
