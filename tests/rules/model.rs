//! Whatever is asked, in whatever order and by whom: the rules answer as a simple model of the
//! rulebook does, and everything stands where that says. A failure shows the shortest story.

use uitpas_tests::model::stories;

/// Stories that are told each time. All: `UITPAS_MODEL_STORIES=2000`.
const STORIES: u64 = 50;

/// R-CHK, R-TAR, R-CPN, R-RWD, R-SOC, R-CRD, R-REG, R-NOTE, R-BLK-02
#[test]
fn the_rules_answer_as_the_simple_model_does() {
    let stories = std::env::var("UITPAS_MODEL_STORIES").map_or(STORIES, |count| {
        count.parse().expect("UITPAS_MODEL_STORIES is a number of stories")
    });
    for number in 0..stories {
        stories::agree(number);
    }
}
