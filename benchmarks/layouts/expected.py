"""What the tasks are graded by, read off their rules by hand, and what a user would answer where Gome asks."""

METRICS = {
    "aerial-cactus-identification": "auc",
    "alaska2-image-steganalysis": "weighted_auc@0.4=2,1=1",
    "aptos2019-blindness-detection": "qwk",
    "billion-word-imputation": "levenshtein",
    "chaii-hindi-and-tamil-question-answering": "word_jaccard",
    "champs-scalar-coupling": "log_mae@type",
    "denoising-dirty-documents": "rmse",
    "detecting-insults-in-social-commentary": "auc",
    "dog-breed-identification": "log_loss",
    "dogs-vs-cats-redux-kernels-edition": "log_loss",
    "facebook-recruiting-iii-keyword-extraction": "f1_micro",
    "freesound-audio-tagging-2019": "lwlrap",
    "h-and-m-personalized-fashion-recommendations": "map@12",
    "herbarium-2020-fgvc7": "f1_macro",
    "herbarium-2021-fgvc8": "f1_macro",
    "herbarium-2022-fgvc9": "f1_macro",
    "histopathologic-cancer-detection": "auc",
    "hubmap-kidney-segmentation": "dice",
    "icecube-neutrinos-in-deep-ice": "angular_error",
    "imet-2020-fgvc7": "f1_micro",
    "jigsaw-toxic-comment-classification-challenge": "auc",
    "jigsaw-unintended-bias-in-toxicity-classification": "bias_auc@asian,black,christian,female,"
    "homosexual_gay_or_lesbian,jewish,male,muslim,psychiatric_or_mental_illness,white",
    "leaf-classification": "log_loss",
    "lmsys-chatbot-arena": "log_loss",
    "mlsp-2013-birds": "auc",
    "new-york-city-taxi-fare-prediction": "rmse",
    "nomad2018-predict-transparent-conductors": "rmsle",
    "osic-pulmonary-fibrosis-progression": "laplace@70,1000",
    "plant-pathology-2020-fgvc7": "auc",
    "random-acts-of-pizza": "auc",
    "ranzcr-clip-catheter-line-classification": "auc",
    "rsna-breast-cancer-detection": "pf1",
    "spooky-author-identification": "log_loss",
    "stanford-covid-vaccine": "rmse",
    "tabular-playground-series-may-2022": "auc",
    "tensorflow2-question-answering": "f1_micro",
    "text-normalization-challenge-english-language": "text_accuracy",
    "text-normalization-challenge-russian-language": "text_accuracy",
    "tgs-salt-identification-challenge": "mask_ap@0.5-0.95",
    "tweet-sentiment-extraction": "word_jaccard",
}
"""By the task's name. Of others nobody has said it; two of the replicas have a metric that the registry has not (Dice
with Hausdorff; MAE of some of the rows) and one has boxes of several classes in a form of its own."""

POSITIVE = {"dogs-vs-cats-redux-kernels-edition": "dog"}
DIRECTION = {
    "uw-madison-gi-tract-image-segmentation": "maximize",
    "ventilator-pressure-prediction": "minimize",
    "vinbigdata-chest-xray-abnormalities-detection": "maximize",
}
"""Of tasks whose metric nobody has said."""
SAME = {"text_accuracy": {"accuracy"}}
"""Metrics that are the same on the tasks above, whatever they are called."""
