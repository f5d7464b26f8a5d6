"""The exercises of the course in their order: their pages, titles, chapters and tasks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Exercise:
    """One exercise's page, with the chapters it needs and the names of its tasks, in order."""

    page: str
    title: str
    chapters: tuple[str, ...]
    tasks: tuple[str, ...]

    @property
    def path(self) -> str:
        """The page's path below `work/`."""
        return f"exercises/{self.page}.ipynb"


def _exercise(page, title, chapters, tasks):
    return Exercise(page, title, tuple(chapters.split()), tuple(tasks.split()))


EXERCISES = (
    _exercise(
        "ex01_background",
        "Exercise 1: see overfitting, price it, stop it",
        "01_background",
        "generalization_gap l2_penalty stopping_epoch overfit_on_purpose",
    ),
    _exercise(
        "ex02_core_concepts",
        "Exercise 2: sort the methods, then build four of them",
        "02_core_concepts",
        "touches dropped_layers inverted_dropout penalty_by_part export_head masked_step",
    ),
    _exercise(
        "ex03_algorithms",
        "Exercise 3: the algorithms, step by step",
        "03_1-2_penalties 03_3-4_dropout 03_5-6_constraints_and_stopping",
        "l2_step locked_mask clip_and_step max_norm lstm_with_recurrent_dropout train_with_early_stopping "
        "train_with_max_norm",
    ),
    _exercise(
        "ex04_mathematics",
        "Exercise 4: zeros, shrinkage and noise",
        "04_1_sparsity 04_2-3_weight_decay",
        "soft_threshold proximal_step lasso_violation ridge_shares same_strengths dropout_penalty adamw_step "
        "dropout_passes",
    ),
    _exercise(
        "ex05_practice",
        "Exercise 5: translate and repair",
        "05_1-2_keras 05_3_project",
        "from_keras_config to_keras_config keras_output max_norm_of_keras kept_epoch planted_mistakes "
        "train_as_keras",
    ),
    _exercise(
        "ex06_applications",
        "Exercise 6: fair splits, honest scores, and a model to regularize",
        "06_1_text 06_2_translation 06_3_speech 06_4_stocks 06_5_weather",
        "split_by_time scale_on_training forecast_skill choose_and_report macro_f1 search_with_beam "
        "regularized_model",
    ),
    _exercise(
        "ex07_tools",
        "Exercise 7: carry a model over, and prove it",
        "07_tools",
        "weights_for_keras weights_for_pytorch bias_sum reorder_gates same_settings speed_ratio find_faults "
        "train_and_carry",
    ),
    _exercise(
        "ex08_outlook",
        "Exercise 8: a language model's numbers, and the parts of its recipe",
        "08_outlook",
        "bits_per_character with_temperature smoothed_targets averaging_start mixture_loss "
        "activation_penalties tied_gradient",
    ),
    _exercise(
        "ex09_1_choosing",
        "Exercise 9, part 1: choosing a strength",
        "09_1_choosing",
        "log_uniform compare_searches random_search one_standard_error nested_estimate",
    ),
    _exercise(
        "ex09_2_diagnosing",
        "Exercise 9, part 2: read, size, compare",
        "09_2-3_diagnosing",
        "rule_of_thumb read_runs samples_needed three_leaks fair_comparison repair_run",
    ),
)
RENAMED: dict[str, str] = {}  # tasks as an earlier version named them, and as they are named now


def exercise_of(task: str) -> Exercise | None:
    """Return the exercise that a task belongs to; None for a task of no exercise."""
    return next((exercise for exercise in EXERCISES if task in exercise.tasks), None)


def chapter_after(exercise: Exercise) -> str | None:
    """Return the first chapter that follows an exercise; None after the last one."""
    position = EXERCISES.index(exercise) + 1
    return EXERCISES[position].chapters[0] if position < len(EXERCISES) else None
