;; A pack in WebAssembly text: the exports of the world `node-pack` by their core names, over a heap
;; that only grows. `support/guests.rs` fills in the functions' instructions and the catalogue's
;; bytes; the default of a function is a trap.
(module
  (memory (export "memory") 2)
  (table $table 1 funcref)
  (global $heap (mut i32) (i32.const 0x10000))
  ;; The catalogue's list: pointer and length.
  (data (i32.const 0x100) "{catalogue}")
  ;; A plan, an acceptance, and the empty document in both.
  (data (i32.const 0x800) "{plan}")
  (data (i32.const 0x880) "{acceptance}")
  (data (i32.const 0x900) "{}")

  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at
      (i32.and
        (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 0x10000))))
      (drop (memory.grow (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1)))))
    (memory.copy (local.get $at) (local.get $old) (local.get $old-size))
    (local.get $at))

  (func (export "zoetrope:workflow-node/catalog@{version}#node-types") (result i32)
    {node-types})
  (func (export "zoetrope:workflow-node/jobs@{version}#check")
    (param i32 i32 i32 i32 i32 i32) (result i32) {check})
  (func (export "zoetrope:workflow-node/jobs@{version}#start")
    (param i32 i32 i32 i32 i32 i32) (result i32) {start})
  (func (export "zoetrope:workflow-node/jobs@{version}#poll") (param i32 i32) (result i32) unreachable)
  (func (export "zoetrope:workflow-node/jobs@{version}#cancel") (param i32 i32) (result i32) unreachable)
  (func (export "zoetrope:workflow-node/jobs@{version}#adopt") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "zoetrope:workflow-node/media@{version}#plan-upload")
    (param i32 i32 i32 i32 i32 i32 i64 i32 i32) (result i32) unreachable)
  (func (export "zoetrope:workflow-node/media@{version}#uploaded")
    (param i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable))
