use std::path::Path;
use vpcsim_engine::*;
fn collect(dir: &Path, root: &Path, out: &mut Vec<(String, Vec<u8>)>) {
    let mut e: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    e.sort();
    for p in e {
        if p.is_dir() {
            collect(&p, root, out)
        } else if p.extension().is_some_and(|x| x == "json") {
            out.push((p.strip_prefix(root).unwrap().to_string_lossy().into_owned(), std::fs::read(&p).unwrap()));
        }
    }
}
fn main() {
    for lab in std::env::args().skip(1) {
        let root = Path::new(&lab).join("aws_configs");
        let mut files = Vec::new();
        collect(&root, &root, &mut files);
        let jf: Vec<_> = files.iter().map(|(p, t)| import::JsonFile { path: p, text: t }).collect();
        let imp = import::aws(&jf);
        for d in &imp.diagnostics {
            println!("{d:?}");
        }
        let (net, d) = compile::compile(&imp.spec);
        for d in d {
            println!("{d:?}");
        }
        let net = net.unwrap();
        let (mut ok, mut unk, mut bad) = (0, 0, 0);
        for line in std::fs::read_to_string(Path::new(&lab).join("measurements.csv")).unwrap().lines().skip(1) {
            let f: Vec<&str> = line.split(',').collect();
            let (o, why) = match explain::resolve_origin(&net, f[0], f[1]) {
                Err(e) => ("error".to_string(), e.to_string()),
                Ok((from, to)) => {
                    let e = explain::ask(
                        &net,
                        &explain::Question {
                            from,
                            to,
                            protocol: f[2].parse().unwrap(),
                            src_port: None,
                            dst_port: f[3].parse().unwrap_or(0),
                        },
                    );
                    (
                        e.outcome.word().to_string(),
                        format!("{:?}", e.decided_by.map(|(p, r)| (p, net.names.row_text(&net.fabric, r)))),
                    )
                }
            };
            let same = o == f[4] || (o == "open" && f[4] == "closed");
            if same {
                ok += 1
            } else if o == "unknown" {
                unk += 1;
                println!("? {line} {why}")
            } else {
                bad += 1;
                println!("BAD {line} -> {o} {why}")
            }
        }
        println!("{lab}: ok {ok} unknown {unk} bad {bad}");
    }
}
