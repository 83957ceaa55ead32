struct P;
impl netcap::engine::Progress for P {
    fn advance(&self, _: u64, _: u64) {}
}
fn main() {
    let args: Vec<std::path::PathBuf> = std::env::args_os().skip(2).map(Into::into).collect();
    let out: std::path::PathBuf = std::env::args_os().nth(1).unwrap().into();
    let s = netcap::capture::order(None, &args, netcap::capture::Overlap::Refuse).unwrap();
    let files: Vec<_> = s[0]
        .files
        .iter()
        .map(|f| netcap::engine::InputFile {
            name: f.path.display().to_string(),
            sha256: None,
            bytes: None,
        })
        .collect();
    let o = netcap::engine::Options {
        tables: netcap::engine::Selection::parse(&std::env::var("T").unwrap_or_default()).unwrap(),
        policy: Default::default(),
        time: None,
        head: None,
        threads: std::env::var("N").map_or(2, |n| n.parse().unwrap()),
    };
    let r = netcap::engine::decode(&s[0], &files, 0, &out, &o, &P);
    match r {
        Ok(r) => {
            println!("{:?}", r.counts);
            for (n, t) in &r.tables {
                println!(
                    "{n} {} {}",
                    t.rows,
                    t.files.iter().map(|f| f.bytes).sum::<u64>()
                );
            }
            for f in r.findings {
                println!("{f:?}");
            }
        }
        Err(e) => println!("{e}"),
    }
}
