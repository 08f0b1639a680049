# SPDX-License-Identifier: Apache-2.0
"""A search in shards as actions of a build, here or on other machines."""

def _declare(ctx, names):
    return [
        ctx.actions.declare_file("%s/%s" % (ctx.attr.configuration, name))
        for name in names
    ]

def _run(ctx, what, inputs, outputs, numbers):
    ctx.actions.run(
        outputs = outputs,
        inputs = inputs,
        executable = ctx.executable.shard,
        arguments = [
            what,
            ctx.attr.configuration,
            str(ctx.attr.shards),
            outputs[0].dirname,
        ] + numbers,
        mnemonic = "SearchInShards",
        progress_message = "Exploring %s: %s" % (
            ctx.attr.configuration,
            " ".join([what] + numbers),
        ),
    )

def _search_in_shards_impl(ctx):
    shards = range(ctx.attr.shards)
    pairs = _declare(ctx, ["pairs.0.0"])
    lists = [_declare(ctx, ["to.0.0.%d" % to]) for to in shards]
    known = [[] for _ in shards]
    _run(ctx, "tables", [], pairs + [f for sent in lists for f in sent], [str(ctx.attr.states)])
    last = []
    for round in range(1, ctx.attr.rounds + 1):
        made = []
        for shard in shards:
            head = _declare(ctx, ["known.%d.%d" % (round, shard), "pairs.%d.%d" % (round, shard)])
            sent = _declare(ctx, ["to.%d.%d.%d" % (round, shard, to) for to in shards])
            _run(
                ctx,
                "round",
                pairs + lists[shard] + known[shard],
                head + sent,
                [str(round), str(shard)],
            )
            made.append(struct(known = head[0], pairs = head[1], sent = sent))
        pairs = pairs + [one.pairs for one in made]
        known = [[one.known] for one in made]
        lists = [[one.sent[to] for one in made] for to in shards]
        last = [f for one in made for f in [one.known, one.pairs] + one.sent]
    return [DefaultInfo(
        files = depset(last),
        runfiles = ctx.runfiles(files = last),
    )]

search_in_shards = rule(
    implementation = _search_in_shards_impl,
    doc = """The files of the last round, for a test.

Each round of a shard is an action, whose inputs are files of the rounds before.
How many rounds are needed is not known beforehand: one in which nothing is left to
do passes on what it is given.""",
    attrs = {
        "configuration": attr.string(
            mandatory = True,
            doc = "Of the matrix. Its files have a folder of that name.",
        ),
        "rounds": attr.int(
            mandatory = True,
            doc = "At least as many as are needed.",
        ),
        "shards": attr.int(mandatory = True),
        # As a test is, and not as tools are: the explorer is built once.
        "shard": attr.label(
            default = ":shard",
            executable = True,
            cfg = "target",
        ),
        "states": attr.int(
            default = 100000,
            doc = "That are explored at first, to make the tables.",
        ),
    },
)
