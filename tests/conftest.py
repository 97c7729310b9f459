"""One tiny real encoder and one fitted classifier for the whole session; no mocks."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import tempfile
from pathlib import Path

import browsing
import hypothesis
import pytest
import servers

import prodcat
from prodcat.demo.quick_commerce import generate
from prodcat.demo.scratch import write_scratch_encoder

# A shared machine may be slow for a moment; that is no failure.
hypothesis.settings.register_profile("prodcat", deadline=None)
hypothesis.settings.load_profile("prodcat")


# Not part of make quick: what starts servers, browsers or processes, or takes more than a moment.
SLOW_FIXTURES = {"browser", "ceph_server", "moto_server", "proxy", "server"}
SLOW_FILES = {
    "matching/test_categories.py",
    "matching/test_matching.py",
    "offers/test_reading.py",
    "offers/test_amounts.py",
    "catalog/test_migrating.py",
    "insight/test_drift_across_trees.py",
    "pipeline/test_tree_changes.py",
    "cli/test_overwriting.py",
    "cli/test_migrate.py",
    "cli/test_explain.py",
    "classifier/test_migration_guarantees.py",
    "classifier/test_migration.py",
    "classifier/test_explaining_node.py",
    "classifier/test_explaining.py",
    "classifier/test_across_trees.py",
    "aws/test_batch.py",
    "aws/test_stacks.py",
    "classifier/test_cascade.py",
    "classifier/test_forks.py",
    "classifier/test_hostile.py",
    "classifier/test_metamorphic.py",
    "classifier/test_onnx.py",
    "classifier/test_store.py",
    "classifier/test_title_branch.py",
    "catalog/test_long_texts.py",
    "catalog/test_unknown_labels.py",
    "cli/test_encoders.py",
    "cli/test_examples.py",
    "cli/test_guarantee.py",
    "cli/test_output.py",
    "cli/test_predict.py",
    "cli/test_session.py",
    "cli/test_sources.py",
    "cli/test_train.py",
    "cli/test_trim.py",
    "decisions/test_conformal.py",
    "evaluation/test_frames.py",
    "evaluation/test_intervals.py",
    "evaluation/test_plots.py",
    "insight/test_assortment_page.py",
    "insight/test_page_languages.py",
    "insight/test_assortment_tables.py",
    "insight/design/test_gallery.py",
    "insight/test_overlap.py",
    "insight/test_assortment.py",
    "insight/test_audit.py",
    "insight/test_drift.py",
    "insight/first_look/test_look.py",
    "insight/test_files.py",
    "insight/test_prevalence.py",
    "insight/test_report.py",
    "insight/test_review.py",
    "insight/test_review_pairs.py",
    "model/test_foreign_encoders.py",
    "model/test_processors.py",
    "model/test_trimming.py",
    "pipeline/test_infrastructure.py",
    "pipeline/test_jobs.py",
    "scoring/test_blank_titles.py",
    "scoring/test_completion.py",
    "scoring/test_folder.py",
    "scoring/test_folder_types.py",
    "scoring/test_inputs.py",
    "scoring/test_jobs.py",
    "scoring/test_ray_engine.py",
    "scoring/test_rivals.py",
    "scoring/test_sheets.py",
    "scoring/test_spark.py",
    "serving/test_batch_transform.py",
    "serving/test_blank_titles.py",
    "serving/test_bodies.py",
    "serving/test_loaded_models.py",
    "serving/test_packed_bodies.py",
    "serving/test_server.py",
    "storage/test_bounded_tables.py",
    "storage/test_cache.py",
    "storage/test_faults.py",
    "storage/test_leases.py",
    "storage/test_objects.py",
    "storage/test_places.py",
    "test_benchmarks.py",
    "test_containers.py",
    "training/test_divergence.py",
    "training/test_estimator.py",
    "training/test_identity.py",
    "training/test_lexical_fit.py",
    "training/test_loop.py",
    "training/test_meta_device.py",
    "training/test_partial_labels.py",
    "training/test_ranks.py",
    "training/test_rows.py",
    "training/test_saving.py",
}
SLOW_TESTS = {
    "test_a_saved_warm_start_is_the_same",
    "test_a_server_without_ranges_is_read_forward",
    "test_agreement_with_hiclass_where_names_are_unique",
    "test_code_in_documents_runs",
    "test_docstring_examples[prodcat.aws.ray_serve]",
    "test_equal_seeds_give_equal_weights",
    "test_equal_texts_give_an_equal_encoder_in_every_process",
    "test_every_answer_is_the_best_of_all_nodes",
    "test_every_earlier_path_leads_to_its_name",
    "test_fine_tuning_learns_from_zero_without_ngrams",
    "test_import_and_help_take_a_moment",
    "test_intervals_hold_the_true_counts_where_naive_ones_do_not",
    "test_macro_agreement_with_hiclass_where_names_are_unique",
    "test_mostly_new_titles_are_learned_all",
    "test_no_call_on_the_way_of_a_title_goes_to_a_higher_package",
    "test_one_file_has_the_same_bytes_each_time_and_is_whole_or_not_there",
    "test_processes_solve_the_same_machines",
    "test_ragged_trees_and_partial_labels_go_all_the_way",
    "test_the_demo_runs",
    "test_the_demo_without_the_packages_of_its_encoder",
    "test_the_encoder_gives_the_vectors_of_its_packages_own_engine",
    "test_the_notebook_runs",
    "test_the_wheel_works_in_a_clean_environment_from_another_folder",
    "test_threads_that_come_later_have_all_cores",
    "test_threads_with_other_limits_do_not_change_each_others_tokens",
    "test_versions_of_different_trees_are_compared_by_their_answers",
    "test_who_does_not_beat_production_is_published_and_not_promoted",
    "test_who_loses_to_n_grams_is_not_promoted",
}
HERE = Path(__file__).parent


def pytest_ignore_collect(collection_path, config):
    """Leave files unread whose tests are all slow, if slow tests are not asked for."""
    if "not slow" in config.option.markexpr and collection_path.is_relative_to(HERE):
        return collection_path.relative_to(HERE).as_posix() in SLOW_FILES or None
    return None


def pytest_collection_modifyitems(items):
    for item in items:
        slow = (
            SLOW_FIXTURES.intersection(item.fixturenames)
            or item.path.relative_to(HERE).as_posix() in SLOW_FILES
            or SLOW_TESTS.intersection({item.originalname, item.name})
        )
        if slow:
            item.add_marker(pytest.mark.slow)


def pytest_terminal_summary(terminalreporter):
    """Say plainly which tests this machine could not run, and what they need."""
    reasons = {}
    for report in terminalreporter.stats.get("skipped", []):
        if isinstance(report.longrepr, tuple):
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
            reasons[reason] = reasons.get(reason, 0) + 1
    if reasons:
        terminalreporter.section("left out on this machine")
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"{count} tests: {reason}")


@pytest.fixture(scope="session")
def rows():
    return generate(700, "tr")


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("encoder")
    titles = [row.title for row in rows]
    return write_scratch_encoder(titles, folder, vocabulary=1_500, hidden=32, layers=2)


@pytest.fixture(scope="session")
def catalog(rows):
    return prodcat.read_catalog(
        [
            {"title": row.title, "path": list(row.path), "brand": row.brand, "number": number}
            for number, row in enumerate(rows)
        ],
        keep=["brand", "number"],
    )


@pytest.fixture(scope="session")
def parts(catalog):
    return prodcat.split(catalog, validation=0.15, test=0.2)


@pytest.fixture(scope="session")
def classifier(parts, encoder_folder):
    return prodcat.fit(
        parts.train,
        validation=parts.validation,
        model=prodcat.ModelConfig(encoder=str(encoder_folder), belief_width=8),
        training=prodcat.TrainingConfig(epochs=1, precision="float32"),
        device="cpu",
        progress=False,
    )


@pytest.fixture(scope="session")
def small(rows):
    """A classifier of n-grams alone: its artifact is under a megabyte."""
    catalog = prodcat.read_catalog(
        [{"title": row.title, "path": list(row.path)} for row in rows[:150]]
    )
    return prodcat.fit(catalog, model=prodcat.ModelConfig(encoder=None), progress=False)


@pytest.fixture(scope="session")
def browser():
    with browsing.chromium() as own:
        yield own


@pytest.fixture(scope="session")
def moto_server():
    with servers.moto() as server:
        yield server


@pytest.fixture(scope="session")
def ceph_server(tmp_path_factory):
    missing = servers.missing_ceph()
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian: {' '.join(servers.CEPH_DEBS)})")
    # The paths of its sockets must be short.
    with tempfile.TemporaryDirectory(prefix="ceph") as folder, servers.ceph(folder) as server:
        yield server


@pytest.fixture(autouse=True)
def _own_credentials_and_cache(monkeypatch, tmp_path_factory):
    """No test reads this machine's credentials or fills its cache."""
    servers.clean_environment(monkeypatch)
    monkeypatch.setattr(
        "prodcat.storage.cache.DEFAULT_FOLDER", tmp_path_factory.getbasetemp() / "cache"
    )


@pytest.fixture
def proxy(moto_server):
    own = servers.FaultProxy(moto_server)
    yield own
    own.close()
