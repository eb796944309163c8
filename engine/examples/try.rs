use vpcsim_engine::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let text = std::fs::read(&a[1]).unwrap();
    let (spec, d) = spec::read(diag::FileIx(0), &text);
    for d in d {
        println!("{d:?}");
    }
    let (net, d) = compile::compile(&spec.unwrap());
    for d in d {
        println!("{d:?}");
    }
    let net = net.unwrap();
    for q in &a[2..] {
        let f: Vec<&str> = q.split(',').collect();
        match explain::resolve_origin(&net, f[0], f[1]) {
            Err(e) => println!("{q}: {e}"),
            Ok((from, to)) => {
                let e = explain::ask(
                    &net,
                    &explain::Question {
                        from,
                        to,
                        protocol: f[2].parse().unwrap(),
                        src_port: None,
                        dst_port: f.get(3).map_or(0, |p| p.parse().unwrap()),
                    },
                );
                println!(
                    "{q}: {:?} {:?}",
                    e.outcome,
                    e.decided_by.map(|(p, r)| (p, net.names.row_text(&net.fabric, r)))
                );
                for s in e.request.steps.iter().chain(e.reply.iter().flat_map(|r| &r.steps)) {
                    println!(
                        "     {:?} {} {}",
                        s.stage,
                        s.decision.allow,
                        net.names.row_text(&net.fabric, s.decision.by)
                    );
                }
                for b in &e.blockers {
                    println!("  blocks {:?} {}", b.part, net.names.row_text(&net.fabric, b.step.decision.by));
                }
            }
        }
    }
}
