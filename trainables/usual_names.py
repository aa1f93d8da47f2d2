"""What other libraries and papers call our settings and names, so that an error can say which one is meant.

A row is one of our keys or names, and behind it what people write who come from elsewhere: PyTorch's and GAN
repositories' options, those of Optuna, Ray and MLflow, and papers' symbols. A word may stand in several rows, as `lr`
does; which of them is meant depends on what may stand where it was written, so that `called` is told that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# fmt: off
ROWS: Mapping[str, str] = {
    # the study
    "study": "name title experiment experiment_name project run_name",
    "data": "dataset data_set datasets dataset_name dataroot",
    "replicas": "seeds n_seeds num_seeds random_seeds runs n_runs repetitions",
    "scientific": "arms arm factors compare conditions variants question",
    "nuisance": "search_space space spaces hyperparameters hparams params sweep param_space tune distributions",
    "fixed": "constants constant defaults settings common hyperparams",
    "evaluation": "eval evaluate test",
    "measure": "metrics measurements",
    "outcomes": "thresholds verdicts",
    "scheduler": "pruner early_stopping stopping stopper pruning",
    "keep": "save save_models save_model save_weights kept",
    "tracking": "mlflow logging logger wandb tensorboard",
    # budget
    "steps": "epochs epoch n_epochs num_epochs max_epochs iterations iters niter n_iter num_iterations max_iter"
             " num_steps max_steps train_steps total_steps updates_per_trial generator_steps kimg duration",
    "evaluations": "evals n_evals eval_every eval_interval log_every eval_freq eval_steps",
    "batch_size": "batch bs minibatch mini_batch",
    "equal": "budget_type fair",
    # search, confirm, scheduler
    "trials_per_arm": "n_trials trials num_trials max_trials num_samples budget_trials trials_each",
    "sampler": "algorithm search_alg search_algorithm optimizer_type method searcher",
    "metric": "objective_metric target monitor score criterion",
    "mode": "direction goal",
    "seed": "random_seed rng random_state manual_seed",
    "repeats": "searches",
    "grace": "grace_period min_resource warmup",
    "reduction": "reduction_factor eta",
    # resources, tracking
    "gpu": "num_gpus n_gpus cuda device devices accelerator gpu_ids gpus_per_trial use_cuda",
    "cpu": "num_cpus n_cpus threads num_threads cores cpus_per_trial",
    "workers": "num_workers n_jobs jobs parallel max_concurrent concurrency processes",
    "storage": "storage_path bucket checkpoint_dir",
    "checkpoint_seconds": "checkpoint_every checkpoint_interval save_every checkpoint_freq checkpoints",
    "evaluation_limit": "timeout time_limit",
    "uri": "tracking_uri mlflow_uri server url address",
    # hyperparameters
    "model": "architecture gan_type",
    "objective": "loss losses loss_fn criterion gan_loss gan_mode adversarial_loss loss_type",
    "generator_loss": "loss_g g_loss gen_loss generator_objective",
    "pairing": "relativistic ra",
    "penalty": "gp gradient_penalty regularizer regulariser regularization regularisation reg penalties r1"
               " spectral_norm",
    "updates": "order update_order update_rule alternating simultaneous",
    "critic_steps": "n_critic ncritic d_steps disc_steps discriminator_steps n_dis num_critic diters d_iters"
                    " critic_updates",
    "unroll": "unroll_steps",
    "optimizer": "optim opt",
    "generator_lr": "lr learning_rate learningrate rate step_size learning_rates lrs lr_g g_lr lrg gen_lr lr_gen"
                    " lr_generator generator_learning_rate",
    "critic_lr": "lr learning_rate learningrate rate step_size learning_rates lrs lr_d d_lr lrd disc_lr dis_lr"
                 " lr_disc lr_critic lr_discriminator discriminator_lr critic_learning_rate"
                 " discriminator_learning_rate",
    "beta1": "betas adam_betas adam_beta momentum b1 adam_beta1",
    "beta2": "betas adam_betas b2 adam_beta2",
    "weight_decay": "wd l2_decay decay",
    "ema": "ema_decay ema_beta polyak averaging average weight_averaging g_ema moving_average",
    "precision": "amp autocast mixed_precision dtype use_amp half fp16 float16 bf16 tf32",
    "latent_dim": "z_dim nz latent_size noise_dim z_size zdim dim_z latent_dimension latents",
    "latent": "prior latent_distribution z",
    "conditioning": "conditional class_conditional",
    "packing": "pac pacgan pack_size",
    "instance_noise": "noise noise_std input_noise",
    "augmentation": "augment ada diffaug",
    "label_smoothing": "smoothing smooth one_sided_label_smoothing",
    "cycle_weight": "lambda_cycle lambda_cyc lambda_a cycle_lambda",
    "identity_weight": "lambda_identity lambda_idt identity_lambda",
    "generator": "gen g netg net_g g_net generator_network",
    "critic": "discriminator disc dis d netd net_d d_net critic_network",
    # settings of penalties, networks and data sets
    "weight": "lambda lambda_ lam lambda_gp gp_lambda lambda_r1 coefficient coef coeff gamma r1_gamma strength",
    "bound": "clip_value clip_bound c clipping",
    "every": "lazy interval lazy_interval d_reg_every reg_interval",
    "hidden": "hidden_size hidden_sizes hidden_dim hidden_dims units layer_sizes hidden_layers layers",
    "width": "channels filters ngf ndf nf base_channels",
    "depth": "n_blocks blocks num_blocks num_layers n_layers",
    "kind": "type arch",
    "activation": "act nonlinearity nonlin",
    "batch_norm": "bn norm normalization",
    "modes": "num_modes clusters n_clusters components n_components k num_gaussians side",
    "spacing": "distance gap",
    "std": "sigma scale stddev std_dev noise variance",
    "radius": "r",
    "size": "image_size img_size resolution res side",
    "root": "path folder dir directory data_dir dataroot",
    "path": "file filename root",
    "channels": "nc",
    "features": "extractor embedding",
    "samples": "num_eval_samples eval_samples fid_samples x data",
    # spaces
    "uniform": "float range real",
    "log_uniform": "log logspace logrange reciprocal",
    "int_uniform": "randint int integer int_range quniform",
    "choice": "categorical choices values options one_of grid grid_search list",
    # names
    "minimax": "gan vanilla bce standard original saturating js cross_entropy",
    "non_saturating": "gan vanilla bce standard ns nsgan ns_gan logistic cross_entropy softplus",
    "least_squares": "ls lsgan ls_gan mse l2 lsq",
    "hinge": "hinge_loss geometric geometric_gan sngan sagan",
    "wasserstein": "wgan w w1 wgan_gp wgan_lp wgangp emd earth_mover",
    "energy": "ebgan",
    "clip": "clipping weight_clipping weight_clip clamp wgan",
    "gradient_penalty": "gp wgan_gp wgangp zero_centered one_centered",
    "lipschitz_penalty": "lp wgan_lp",
    "spectral_norm": "sn spectral spectral_normalization spectral_normalisation sngan",
    "relativistic": "rgan rpgan rp",
    "relativistic_average": "ragan ra",
    "alternating": "alt gda sequential",
    "simultaneous": "sim sgda joint",
    "extragradient": "eg extra",
    "optimistic_adam": "oadam",
    "optimistic_sgd": "ogda omd",
    "normal": "gaussian gauss",
    "fp32": "float32 float single full 32",
    "tf32": "tensorfloat32 tensorfloat",
    "bf16": "bfloat16 half fp16 float16 mixed amp 16",
    "ring": "8gaussians eight_gaussians 8_gaussians gaussians",
    "grid": "25gaussians 25_gaussians gaussian_grid",
    "cifar10": "",
    "fashion_mnist": "fmnist fashion",
    "images": "folder image_folder imagefolder pictures",
    "arrays": "npz npy numpy file csv",
    "cgan": "conditional conditional_gan",
    "conv": "dcgan cnn convolutional",
    "mlp": "dense fc linear",
}
# fmt: on


def called(word: str, valid: Iterable[str]) -> list[str]:
    """Those of the valid names that `word` stands for elsewhere, whatever its case, hyphens and spaces; often none."""
    plain = word.strip().lower().replace("-", "_").replace(" ", "_")
    return [name for name in valid if plain in ROWS.get(name, "").split()]
