//! Statements that are larger than their text: refused beyond a limit, answered below it, and nobody else is harmed.

use super::*;

fn chain(links: usize) -> String {
    let mut text = "with c0 as (select 1 as a)".to_owned();
    for i in 1..links {
        text.push_str(&format!(", c{i} as (select * from c{})", i - 1));
    }
    format!("{text} select * from c{}", links - 1)
}

fn joined(relations: usize) -> String {
    let mut text = "select count(*) from (select 1 a) t0".to_owned();
    for i in 1..relations {
        text.push_str(&format!(" join (select 1 a) t{i} on t{i}.a = t{}.a", i - 1));
    }
    text
}

const TOO_DEEP: &str = "E 54001 stack depth limit exceeded";
const TOO_MANY: &str = "E 54001 a statement may have at most 300 relations, those of views and WITH queries included";

#[tokio::test]
async fn the_depth_of_what_names_mean_is_limited() {
    let mut session = open(&gateway().await);
    assert_eq!(simple(&mut session, &chain(250)).await[1], "D 1");
    assert_eq!(simple(&mut session, &chain(5_000)).await[0], TOO_DEEP);
    simple(&mut session, "create view v0 as select 1 as a").await;
    let mut refused = String::new();
    for i in 1..200 {
        let text = format!("create view v{i} as select x.a from v{} x, v{} y", i - 1, i - 1);
        let made = simple(&mut session, &text).await;
        if made[0].starts_with("E ") {
            refused.clone_from(&made[0]);
            break;
        }
    }
    assert_eq!(refused, TOO_MANY);
    assert_eq!(simple(&mut session, "select 1").await[1], "D 1");
}

#[tokio::test]
async fn the_number_of_relations_is_limited_with_what_names_mean() {
    let mut session = open(&gateway().await);
    assert_eq!(simple(&mut session, &joined(20)).await[1], "D 1");
    assert_eq!(simple(&mut session, &joined(301)).await[0], TOO_MANY);
    let mut text = "with c0 as (select 1 as a)".to_owned();
    for i in 1..40 {
        text.push_str(&format!(", c{i} as not materialized (select x.a from c{} x, c{} y)", i - 1, i - 1));
    }
    text.push_str(" select * from c39");
    let refused = simple(&mut session, &text).await;
    assert!(refused[0].starts_with("E 54001 a statement may have at most"), "{refused:?}");
    assert_eq!(simple(&mut session, "select 1").await[1], "D 1");
}

/// The tables of a view are those that were there when it was made: a session's temporary ones are not.
#[tokio::test]
async fn a_temporary_table_stands_in_for_no_views_table() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    simple(
        &mut root,
        "create role bob login; create table acl(who text); create table emp(n text); insert into emp values ('top');
         create view v as select n from emp where exists (select from acl where who = current_user);
         grant select on v to bob",
    )
    .await;
    let mut bob = open_as(&gateway, "bob", &[]).unwrap();
    let rows = simple(
        &mut bob,
        "create temp table acl(who text); insert into acl values ('bob'); create temp table emp(n text);
         insert into emp values ('mine'); select * from v",
    )
    .await;
    assert!(rows.contains(&"C SELECT 0".to_owned()), "{rows:?}");
    let own = "create temp view w as select n from emp; select * from w; select * from emp";
    assert_eq!(simple(&mut bob, own).await.iter().filter(|l| *l == "D mine").count(), 2);
}
