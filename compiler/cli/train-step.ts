// Training a model into a build directory, the first step of train, compile and build. In: an opened model and a
// directory. Out: the files of train/, or those of an earlier run that the same run would make.
import { BUILD_FILES } from "../driver/build-files.ts";
import { readTrainResult } from "../driver/load-build.ts";
import { createTrainLog } from "../driver/train-log.ts";
import { trainProject } from "../driver/train-project.ts";
import type { BuildDirectory } from "../host/node/build-directory.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../train/checkpoint.ts";
import { TrainingStopped } from "../train/request.ts";
import type { Context } from "./context.ts";
import type { TrainableModel } from "./project.ts";
import { refuseModified } from "./steps.ts";
import { scorePair, unknownText } from "./tables.ts";
import { createDisplay, hostOf, openTraining, refuseOtherRun } from "./training.ts";

/** Trains the model into the directory, or goes on from its checkpoint, or finds it trained already. */
export async function trainStep(
  context: Context,
  directory: BuildDirectory,
  model: TrainableModel,
  fresh: boolean,
): Promise<void> {
  const { progress, interrupt } = context;
  const { project } = model;
  const names = BUILD_FILES.train;
  const { tf, backend, data, identity, announce } = await openTraining(context, model);
  if (fresh) {
    refuseModified(directory);
    directory.remove(names.folder);
  }
  const finished = readTrainResult(directory);
  if (finished) {
    refuseOtherRun(directory, identity, finished.identity);
    // The hardware wishes are no part of training: the newest text counts.
    directory.writeFiles(new Map([[names.source, project.source.text]]));
    progress.line(`${directory.name} is trained already`);
    return;
  }
  const saved = directory.read(names.checkpoint);
  const previous = saved && decodeCheckpoint(saved, `${directory.name}/${names.checkpoint}`);
  if (previous) refuseOtherRun(directory, identity, previous.identity);
  else {
    // A design of an earlier training is not this one's.
    refuseModified(directory);
    const { verify, report, design, import: imported } = BUILD_FILES;
    for (const path of [verify.folder, report, design.folder, imported.folder]) directory.remove(path);
  }

  announce();
  const history = previous?.checkpoint.history ?? [];
  if (previous) progress.line(`going on after ${history.length} epochs`);
  const log = createTrainLog(previous && directory.readText(names.log), history);
  const display = createDisplay(context);
  const trained = await interrupt.gracefully(() =>
    trainProject({
      tf,
      backend,
      project,
      data,
      identity,
      checkpoint: previous?.checkpoint,
      ...hostOf(context),
      events: {
        log(text) {
          log.say(text);
          progress.line(text);
        },
        progress: display.progress,
        checkpoint(checkpoint) {
          log.finish(checkpoint.history);
          directory.writeFiles(
            new Map<string, string | Uint8Array>([
              [names.checkpoint, encodeCheckpoint(checkpoint, identity)],
              [names.log, log.text()],
            ]),
          );
          display.epoch(checkpoint.history.at(-1)!);
        },
      },
    }),
  );
  directory.writeFiles(new Map([[names.log, log.text()]]));
  // result.json comes last: its presence says that training is finished.
  directory.writeFiles(trained.files);
  const { quantized, float, accuracy } = trained.result;
  const what = quantized.accuracy === null ? "loss" : "accuracy";
  progress.line(
    accuracy ? `accuracy ${unknownText(quantized)}` : `test ${what} ${scorePair(quantized, float)}`,
  );
  // Asked to stop in the very last step: nothing more is begun.
  if (interrupt.stopped) throw new TrainingStopped();
}
