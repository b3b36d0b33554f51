//! What is found, and what is not.

use rstest::rstest;

use super::*;

const ID: &str = "PKUAZ6FSKYMLQYVPNZGEY3DJ2C";
const SECRET: &str = "7hGq2LmXv9TbRz4KcWn8YpJd3Sf6AeUo1QiHt5BxNgZk";
const OLD_ID: &str = "AK7QX0ZD91MWLB5RTC3E";
const OLD_SECRET: &str = "q8RtY2uIoP4aSdF6gHjK1lZxC9vBnM3QwE7rTyU5";

fn found(text: &str) -> Vec<(Rule, Sureness)> {
    scan(text).into_iter().map(|leak| (leak.rule, leak.sureness)).collect()
}

#[rstest]
#[case::dotenv(format!("APCA_API_KEY_ID={ID}\nAPCA_API_SECRET_KEY={SECRET}\n"))]
#[case::old(format!("export APCA_API_KEY_ID='{OLD_ID}'\nexport APCA_API_SECRET_KEY='{OLD_SECRET}'\n"))]
#[case::python(format!("client = TradingClient(\"{ID}\", \"{SECRET}\", paper=True)"))]
#[case::secret_first(format!("alpaca:\n  secret: {SECRET}\n  id: {ID}\n"))]
#[case::headers(format!("curl -H 'APCA-API-KEY-ID: {ID}' -H 'APCA-API-SECRET-KEY: {SECRET}'"))]
#[case::json(format!(r#"{{"alpaca":{{"key_id":"{OLD_ID}","secret_key":"{OLD_SECRET}"}}}}"#))]
#[case::url(format!("https://{ID}:{SECRET}@paper-api.alpaca.markets/v2/account"))]
fn a_pair_is_one_finding_and_certain(#[case] text: String) {
    assert_eq!(found(&text), [(Rule::KeyPair, Sureness::Certain)], "{text}");
}

#[rstest]
#[case(format!("one {ID} in a log"), Rule::KeyId, Sureness::Likely)]
#[case(format!("ALPACA_KEY={OLD_ID}"), Rule::KeyId, Sureness::Certain)]
#[case(format!("ALPACA_SECRET_KEY: \"{SECRET}\""), Rule::SecretKey, Sureness::Certain)]
#[case(format!("id = {OLD_ID}\nkey = {OLD_SECRET}"), Rule::KeyPair, Sureness::Likely)]
fn what_stands_alone_is_told_for_what_it_is(
    #[case] text: String,
    #[case] rule: Rule,
    #[case] sureness: Sureness,
) {
    assert_eq!(found(&text), [(rule, sureness)], "{text}");
}

#[rstest]
#[case::aws(
    "aws_access_key_id = AKIA2E0A8F3B244C9986\naws_secret_access_key = q8RtY2uIoP4aSdF6gHjK1lZxC9vBnM3QwE7rTyU5"
)]
#[case::example("APCA_API_KEY_ID=PKXXXXXXXXXXXXXXXXXXXXXXXX\nAPCA_API_SECRET_KEY=your-secret")]
#[case::example("APCA_API_KEY_ID=PKABCDEFGHIJKLMNOPQRSTUVWX")]
#[case::commit("alpaca at commit 9fceb02d0ae598e95dc970b74767f19372d61af8")]
#[case::ulid("order 01ARZ3NDEKTSV4RRFFQ69G5FAV at alpaca")]
#[case::a_lone_secret("token = q8RtY2uIoP4aSdF6gHjK1lZxC9vBnM3QwE7rTyU5")]
#[case::padded("alpaca_secret = \"q8RtY2uIoP4aSdF6gHjK1lZxC9vBnM3QwE7rTyU5abc=\"")]
#[case::a_name("alpaca: someVeryLongFunctionNameThatHas40Letters")]
#[case::looked_at("APCA_API_KEY_ID=PKUAZ6FSKYMLQYVPNZGEY3DJ2C # paddock:allow")]
#[case::lone_old_id("the part AK7QX0ZD91MWLB5RTC3E is out of stock")]
fn what_is_no_key_is_left_alone(#[case] text: &str) {
    assert_eq!(found(text), [], "{text}");
}

#[test]
fn halves_of_two_generations_are_no_pair() {
    let text = format!("APCA_API_KEY_ID={ID}\nAPCA_API_SECRET_KEY={OLD_SECRET}\n");
    let expected = [(Rule::KeyId, Sureness::Certain), (Rule::SecretKey, Sureness::Certain)];
    assert_eq!(found(&text), expected);
}

#[test]
fn each_secret_belongs_to_the_key_id_next_to_it() {
    let other_id = "AKQ5R7TZWMB3XJ2PLV6NDHYC4S";
    let other = "Zk9XnB5tHi1QoUe6Af3SdJpY8nWc4KzRbT9vXmL2qGh7";
    let text = format!("[paper]\nid = {ID}\nsecret = {SECRET}\n[live]\nid = {other_id}\nsecret = {other}\n");
    let leaks = scan(&text);
    let pairs: Vec<_> = leaks
        .iter()
        .map(|leak| {
            let value = |spot: &Option<Spot>| spot.as_ref().unwrap().value.expose().to_owned();
            (value(&leak.key_id), value(&leak.secret_key))
        })
        .collect();
    assert_eq!(pairs, [(ID.to_owned(), SECRET.to_owned()), (other_id.to_owned(), other.to_owned())]);
}

#[test]
fn what_is_shown_gives_nothing_away() {
    let text = format!("# ключ\n  APCA_API_SECRET_KEY={SECRET}\n");
    let leak = scan(&text).remove(0);
    assert_eq!(leak.place(), (2, 23));
    assert_eq!(leak.secret_key.unwrap().redacted(), "7hGq… (44 characters)");
    assert!(!format!("{:?}", scan(&text)).contains(SECRET));
}

proptest::proptest! {
    /// Whatever stands in a file, it is read to its end.
    #[test]
    fn any_text_is_read(text in "(?s).{0,300}") {
        _ = scan(&text);
    }

    /// Neither words nor names between the halves keep them apart.
    #[test]
    fn a_pair_is_found_wherever_it_stands(before in "[a-z \n]{0,80}", between in "[ \n\"',:=]{1,40}", after in "[ \n][a-z \n]{0,80}") {
        let text = format!("{before} {ID}{between}{SECRET}{after}");
        proptest::prop_assume!(between.matches('\n').count() <= 12);
        proptest::prop_assert_eq!(scan(&text).len(), 1, "{}", text);
    }
}
