// SPDX-License-Identifier: GPL-3.0-or-later

// A job type for Flamenco 3: `motionlift lift` for every clip, one task each.
//
// Copy this file into the folder `scripts` beside flamenco-manager, and say in flamenco-manager.yaml where the command
// lies on the workers:
//
//   variables:
//     motionlift:
//       values:
//         - platform: linux
//           value: /opt/motionlift/bin/motionlift
//         - platform: windows
//           value: C:\motionlift\Scripts\motionlift.exe
//
// Clips and results lie on the shared storage. The manager cannot list folders: Blender does when a job is submitted,
// or whoever submits it by other means gives `videos`.

const JOB_TYPE = {
    label: "MotionLift: Lift Videos",
    description: "Turns every video of a folder into animation (BVH or motion files), one task a clip",
    settings: [
        { key: "clips", type: "string", subtype: "dir_path", required: true, visible: "submission",
          description: "Folder of the videos, searched through; its layout is kept" },
        { key: "output", type: "string", subtype: "dir_path", required: true,
          description: "Folder for the results" },
        { key: "formats", type: "string", default: "bvh", choices: ["bvh", "motion", "bvh,motion"],
          description: "What to write" },
        { key: "overwrite", type: "bool", default: false,
          description: "Replace files that exist; else their tasks fail" },
        { key: "options", type: "string", default: "",
          description: "Further options as on the command line, like --height 1.82 --person all" },
        { key: "videos", type: "string", required: true, visible: "web",
          eval: "'\\n'.join(sorted(str(p) for p in Path(abspath(settings.clips)).rglob('*') if p.suffix.lower() in " +
                "{'.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.mts', '.mxf', '.webm', '.wmv'}))",
          evalInfo: { showLinkButton: true, description: "All videos in the folder" },
          description: "The videos, one a line" },
    ],
};

// The command, as the manager's configuration has it for each worker's platform.
const MOTIONLIFT = "{motionlift}";

const SUFFIXES = { bvh: ".bvh", motion: ".motion.npz" };

function compileJob(job) {
    const settings = job.settings;
    const clips = findClips(settings);
    const options = settings.options ? shellSplit(settings.options) : [];
    if (settings.overwrite) {
        options.push("--overwrite");
    }
    const formats = (settings.formats || "bvh").split(",").map((format) => format.trim());
    for (const format of formats) {
        if (!(format in SUFFIXES)) {
            throw `There is no format "${format}": choose bvh, motion or bvh,motion`;
        }
    }
    for (const clip of clips) {
        job.addTask(authorTask(clip, formats, options));
    }
}

// The videos with the folder that each one's results go into, and whether another there is called the same.
function findClips(settings) {
    const videos = [...new Set((settings.videos || "").split("\n").map((line) => line.trim()).filter(Boolean))];
    if (!videos.length) {
        throw `There is no video in ${settings.clips}`;
    }
    const clips = videos.map((video) => {
        const below = relative(video, settings.clips);
        const folder = path.dirname(below);
        const target = folder === "." ? trimmed(settings.output) : path.join(settings.output, folder);
        return { video, below, target, name: path.join(target, path.stem(below)).toLowerCase() };
    });
    const counts = {};
    for (const clip of clips) {
        counts[clip.name] = (counts[clip.name] || 0) + 1;
    }
    return clips.map((clip) => ({ ...clip, shared: counts[clip.name] > 1 }));
}

// A video's path below the folder of the clips; its name alone, where it lies elsewhere.
function relative(video, folder) {
    const root = trimmed(folder).replace(/\\/g, "/") + "/";
    const whole = video.replace(/\\/g, "/");
    return whole.startsWith(root) ? whole.slice(root.length) : path.basename(whole);
}

function trimmed(folder) {
    return folder.replace(/[\\/]+$/, "");
}

function authorTask(clip, formats, options) {
    const task = author.Task(clip.below, "misc");
    task.addCommand(author.Command("make-directory", { path: clip.target }));
    // Of two clips `a.mp4` and `a.mov` the results are `a.mp4.bvh` and `a.mov.bvh`, as everywhere in MotionLift. The
    // second format is made from the detections of the first.
    const outputs = clip.shared
        ? formats.map((format) => [path.join(clip.target, path.basename(clip.below) + SUFFIXES[format])])
        : [[clip.target, "--format", formats.join(",")]];
    for (const output of outputs) {
        task.addCommand(author.Command("exec", {
            exe: MOTIONLIFT,
            args: ["lift", clip.video, "-o", ...output, ...options],
        }));
    }
    return task;
}
